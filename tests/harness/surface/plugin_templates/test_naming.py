from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.surface.plugin_templates import KINDS, check_name, place_of

WORKSPACE = '[tool.uv.workspace]\nmembers = ["harness", "plugins/*"]\n'


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


@pytest.mark.parametrize("name", ["mine", "my_vit", "vit2", "a_1_b", "a" * 30])
def test_a_lower_snake_case_name_is_taken(name: str, registry: Registry) -> None:
    check_name(name, KINDS["encoder"], registry)


@pytest.mark.parametrize("name", ["", "My", "my-vit", "2fast", "_mine", "mine_", "a__b", "a/b", "..", "a" * 31, "é"])
def test_any_other_name_is_refused(name: str, registry: Registry) -> None:
    with pytest.raises(UsageError, match="is no plugin name; write lower_snake_case"):
        check_name(name, KINDS["encoder"], registry)


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("builtin", "encoder", "plugin 'builtin' is installed already"),
        ("harness", "encoder", "the package foresight_harness is installed already"),
        ("bilinear", "enhancer", "enhancer 'bilinear' is offered already by plugin 'builtin'"),
        ("concat", "fusion", "fusion 'concat' is offered already"),
        ("linear", "decoder", "decoder 'linear' is offered already"),
        ("shapes", "dataset", "dataset 'shapes' is offered already"),
        ("psnr", "metric", "metric 'psnr' is offered already"),
    ],
)
def test_a_name_that_something_installed_has_is_refused(name: str, kind: str, message: str, registry: Registry) -> None:
    with pytest.raises(UsageError, match=message):
        check_name(name, KINDS[kind], registry)


def test_an_encoder_is_refused_by_the_names_that_it_would_offer(dropin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="encoder 'gradients_tiny' is offered already by plugin 'dropin'"):
        check_name("gradients", KINDS["encoder"], load_registry())


def test_the_default_place_is_plugins_in_the_workspace_and_the_current_folder_outside(tmp_path: Path) -> None:
    assert place_of("mine", None, tmp_path) == tmp_path / "mine"
    (tmp_path / "pyproject.toml").write_text(WORKSPACE)
    below = tmp_path / "docs" / "deep"
    below.mkdir(parents=True)
    assert place_of("mine", None, below) == tmp_path / "plugins" / "mine"
    assert place_of("mine", below, below) == below / "mine"


def test_another_projects_file_is_no_workspace(tmp_path: Path) -> None:
    for text in ('[project]\nname = "other"\n', "not TOML ["):
        (tmp_path / "pyproject.toml").write_text(text)
        assert place_of("mine", None, tmp_path) == tmp_path / "mine"


def test_a_place_that_is_taken_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    for name, out in (("mine", tmp_path), ("file", tmp_path), ("dangling", tmp_path)):
        with pytest.raises(UsageError, match="exists already"):
            place_of(name, out, tmp_path)
    with pytest.raises(UsageError, match="is a file; name a folder"):
        place_of("mine", tmp_path / "file", tmp_path)
