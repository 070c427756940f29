"""Named matrices and gates: those of the working folder come before those that are installed."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates.gate_files import find_gates
from foresight_harness.planning import named_files
from foresight_harness.planning.candidates import select_candidates
from foresight_harness.planning.registry import Registry


def write_matrix(folder: Path, name: str, stream: str) -> None:
    (folder / "matrices").mkdir(parents=True, exist_ok=True)
    (folder / "matrices" / f"{name}.toml").write_text(f'candidates = ["{stream}/identity/single/linear"]')


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A distribution with an entry point of the group, and a working folder beside it."""
    package = tmp_path / "site" / "team_benchmarks"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise ImportError('data: nothing to import')")
    info = tmp_path / "site" / "team_benchmarks-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: team-benchmarks\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[foresight_benchmarks]\nteam = team_benchmarks\n")
    monkeypatch.setattr(named_files, "GROUP", "foresight_benchmarks")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return package


def chosen(registry: Registry, matrix: str) -> list[str]:
    found = select_candidates(registry, [], matrix, named_files.folders_of("matrices"))
    return [candidate.candidate.encoders[0] for candidate in found.candidates]


def test_an_installed_matrix_is_found_without_importing_its_package(installed: Path, builtins: Registry) -> None:
    write_matrix(installed, "team", "pixels@patch")
    assert installed in named_files.installed_benchmarks()
    assert chosen(builtins, "team") == ["pixels"]


def test_the_working_folder_comes_before_what_is_installed(installed: Path, builtins: Registry) -> None:
    write_matrix(installed, "team", "pixels@patch")
    write_matrix(Path(), "team", "constant@patch")
    assert chosen(builtins, "team") == ["constant"]
    write_matrix(Path("benchmarks"), "team", "oracle@mask")
    assert chosen(builtins, "team") == ["oracle"]


def test_a_folder_that_is_named_twice_counts_once_at_its_first_place(installed: Path) -> None:
    Path("benchmarks").mkdir()
    found = named_files.places([Path.cwd() / "benchmarks"])
    assert found[:2] == [Path.cwd() / "benchmarks", Path()]
    assert installed in found


def test_all_gates_are_those_of_the_first_folder_that_has_any(tmp_path: Path) -> None:
    committed = Path(__file__).resolve().parents[3] / "benchmarks" / "gates"
    ours, empty = tmp_path / "ours", tmp_path / "empty"
    ours.mkdir()
    empty.mkdir()
    (ours / "mine.toml").write_bytes((committed / "premerge_phase1.toml").read_bytes())
    folders = [empty, ours, committed]
    assert [gate.name for gate in find_gates(["all"], folders)] == ["mine"]
    assert [gate.name for gate in find_gates(["sem_cp1"], folders)] == ["sem_cp1"]
    with pytest.raises(UsageError, match="no such gate"):
        find_gates(["minee"], folders)
