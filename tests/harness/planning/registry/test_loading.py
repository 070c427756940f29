from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import foresight_harness
import pytest
from foresight_harness.contracts.errors import PluginError, UnknownPartError
from foresight_harness.planning.registry import load_registry, own_registry, sources

HEAD = "from foresight_harness import hookimpl, EncoderSpec, TapSpec, EnhancerSpec\n"
PRIMARY = """
from foresight_harness import ProbeSpec, hookimpl
@hookimpl
def foresight_probes():
    return [ProbeSpec(name="mine", build=None, primary=True)]
"""
SECOND = {
    "suite": "SuiteSpec(name='spatial', protocol=None, score=None)",
    "probe": "ProbeSpec(name='knn', build=None)",
}
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
    (broken,) = load_registry().broken
    assert str(broken.error).startswith("plugin 'slip'")
    assert message in str(broken.error)
    assert "\n" not in str(broken.error)


@pytest.mark.parametrize("kind", ["suite", "probe"])
def test_a_suite_or_probe_of_a_built_in_name_is_refused(plugin_module: Callable[..., Path], kind: str) -> None:
    source = "from foresight_harness import ProbeSpec, SuiteSpec, hookimpl\n@hookimpl\n"
    plugin_module("second", f"{source}def foresight_{kind}s():\n    return [{SECOND[kind]}]\n")
    with pytest.raises(PluginError, match=r"is offered by both 'builtin.*' and 'second'"):
        load_registry()


def test_a_second_primary_probe_is_refused(plugin_module: Callable[..., Path]) -> None:
    plugin_module("rival", PRIMARY)
    with pytest.raises(PluginError, match="'dense_ridge' of plugin 'builtin' and 'mine' of plugin 'rival' are both"):
        load_registry()


def test_the_harness_offers_its_own_through_the_same_hooks_and_owns_them() -> None:
    registry = own_registry()
    assert [(plugin.name, plugin.entry_point) for plugin in registry.plugins] == [
        ("builtin", False),
        ("builtin_suites", False),
    ]
    assert registry.owner("suite", "spatial").name == "builtin_suites"
    assert registry.owner("probe", "knn").name == "builtin"
    assert registry.primary_probe.name == "dense_ridge"


def test_unknown_suites_and_probes_list_the_nearest() -> None:
    registry = own_registry()
    with pytest.raises(UnknownPartError, match="unknown suite 'spatail'; did you mean spatial"):
        registry.suite("spatail")
    with pytest.raises(UnknownPartError, match="unknown probe 'knm'; did you mean knn"):
        registry.probe("knm")


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
    monkeypatch.setattr(sources, "SHARED", ("contracts/token_grids.py", "parts/weights"))
    sources.shared_sources.cache_clear()
    try:
        assert load_registry().owner("encoder", "twice").digest != before
    finally:
        sources.shared_sources.cache_clear()


def test_a_changed_kit_changes_the_digest_of_the_plugin_that_imports_it_and_of_no_other(
    plugin_module: Callable[..., Path],
) -> None:
    """Whether it is imported at once, later in a function, or by another kit."""
    folder = plugin_module("first", ENCODER + "\ndef later():\n    from foresight_test_outer.taps import names\n")
    plugin_module("other", ENCODER.replace("twice", "alone"))
    for name, source in (("outer", "import foresight_test_inner.deep\n"), ("inner", "import foresight_test_outer\n")):
        (folder / f"foresight_test_{name}" / "deep").mkdir(parents=True)
        (folder / f"foresight_test_{name}" / "__init__.py").write_text(source)
    digests = []
    for kit in (None, "outer", "inner"):
        if kit is not None:
            (folder / f"foresight_test_{kit}" / "deep" / "taps.py").write_text("names = 1\n")
        registry = load_registry()
        digests.append((registry.owner("encoder", "twice").digest, registry.owner("encoder", "alone").digest))
    assert len({twice for twice, _ in digests}) == 3
    assert len({alone for _, alone in digests}) == 1


def test_a_kit_that_is_not_there_leaves_the_plugin_loaded(plugin_module: Callable[..., Path]) -> None:
    plugin_module("first", ENCODER + "\ndef later():\n    import foresight_absent_kit\n")
    assert load_registry().owner("encoder", "twice").digest


def test_what_plugins_build_with_is_all_there() -> None:
    core = Path(foresight_harness.__file__).parent
    assert all((core / name).exists() for name in sources.SHARED)
