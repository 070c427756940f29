from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.surface.command import main


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_it_says_what_it_wrote_and_what_to_type_next(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new-plugin", "mine", "--kind", "enhancer"]) == 0
    shown = capsys.readouterr().out
    assert (here / "mine" / "src" / "foresight_mine" / "module.py").is_file()
    for line in ("mine: 6 files", "  pip install -e mine", "  pytest mine"):
        assert line in shown.splitlines()
    assert shown.splitlines()[-1].endswith("    # in a clone of the harness"), "there is no benchmarks/ here"
    assert "make constraints" not in shown


def test_in_the_workspace_it_goes_to_plugins_and_asks_for_pins(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["plugins/*"]\n')
    assert main(["new-plugin", "mine", "--kind", "metric", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert Path(found["folder"]) == here / "plugins" / "mine"
    assert all((here / "plugins" / "mine" / name).is_file() for name in found["files"])
    assert found["next"][0] == "pip install -e plugins/mine"
    assert found["next"][-1] == "make constraints"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["My-Vit", "--kind", "encoder"], "'My-Vit' is no plugin name"),
        (["taken", "--kind", "encoder"], "taken exists already"),
        (["builtin", "--kind", "encoder"], "plugin 'builtin' is installed already"),
        (["psnr", "--kind", "metric"], "metric 'psnr' is offered already by plugin 'builtin'"),
    ],
)
def test_a_bad_name_is_one_line_exit_2_and_nothing_is_written(
    here: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "taken").mkdir()
    assert main(["new-plugin", *arguments]) == 2
    found = capsys.readouterr()
    assert found.out == ""
    assert message in found.err
    assert len(found.err.splitlines()) == 1
    assert [path.name for path in here.rglob("*")] == ["taken"]
