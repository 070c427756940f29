from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import PluginError
from foresight_harness.planning.registry import load_registry, loading

HEAD = "from foresight_harness import hookimpl, EncoderSpec, TapSpec, EnhancerSpec\n"
ENCODER = (
    HEAD
    + """
@hookimpl
def foresight_encoders():
    return [EncoderSpec("twice", build=None, taps=(TapSpec("a", 1, 14),), default_tap="a", input_px=14)]
"""
)


def test_dropped_in_plugin_appears_without_an_edit(dropin: Path) -> None:
    registry = load_registry()
    assert registry.encoder("gradients_tiny").default_tap == "normed"
    assert registry.owner("encoder", "gradients_tiny").distribution == "foresight-dropin"


def test_plugin_that_raises_on_import_is_listed_with_its_error_and_the_rest_stands(
    plugin_module: Callable[..., Path],
) -> None:
    plugin_module("broken", "raise RuntimeError('no such\\nlibrary')")
    registry = load_registry()
    assert [plugin.name for plugin in registry.broken] == ["broken"]
    assert registry.broken[0].error == "plugin 'broken' cannot be imported: RuntimeError: no such library"
    assert "pixels" in registry.encoders


def test_one_name_from_two_plugins_names_both(plugin_module: Callable[..., Path]) -> None:
    plugin_module("first", ENCODER)
    plugin_module("second", ENCODER)
    with pytest.raises(PluginError, match="encoder 'twice' is offered by both 'first' and 'second'"):
        load_registry()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (HEAD + "@hookimpl\ndef foresight_encoder():\n    return []\n", "foresight_encoder"),
        (HEAD + "def foresight_encoders():\n    return []\n", "without @hookimpl"),
        (HEAD + "@hookimpl\ndef foresight_encoders(device):\n    return []\n", "device"),
        (HEAD + "@hookimpl\ndef foresight_encoders():\n    return [42]\n", "returned a int; expected EncoderSpec"),
    ],
)
def test_misspelt_or_wrong_hook_is_refused_and_names_the_plugin(
    plugin_module: Callable[..., Path], source: str, message: str
) -> None:
    plugin_module("slip", source)
    with pytest.raises(PluginError, match="slip") as error:
        load_registry()
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_changed_source_changes_the_digest(plugin_module: Callable[..., Path], tmp_path: Path) -> None:
    folder = plugin_module("first", ENCODER)
    before = load_registry().owner("encoder", "twice").digest
    (folder / "foresight_test_first.py").write_text(ENCODER + "# another version\n")
    assert load_registry().owner("encoder", "twice").digest != before


def test_a_change_in_what_plugins_build_with_changes_their_digest(
    plugin_module: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin_module("first", ENCODER)
    before = load_registry().owner("encoder", "twice").digest
    monkeypatch.setattr(loading, "SHARED", ("grids.py", "weights"))
    loading._shared_sources.cache_clear()
    try:
        assert load_registry().owner("encoder", "twice").digest != before
    finally:
        loading._shared_sources.cache_clear()


def test_what_plugins_build_with_is_all_there() -> None:
    core = Path(loading.builtin.__file__).parent
    assert all((core / name).exists() for name in loading.SHARED)
