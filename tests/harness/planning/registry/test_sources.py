from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness.planning.registry.sources import Sources, place_of_module


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Of a package ``digested`` that imports two helpers beside it, one only when it is called."""
    package = tmp_path / "digested"
    package.mkdir()
    (package / "__init__.py").write_text("def later():\n    import digested_helper, json\n    return json\n")
    (package / "model.py").write_text("from digested_tools.deep import x\nNAMES = 'names.json'\n")
    (package / "scale.json").write_text("1")
    (tmp_path / "digested_helper.py").write_text("import importlib\nimportlib.import_module('digested_last')\n")
    (tmp_path / "digested_last.py").write_text("X = 1\n")
    (tmp_path / "digested_tools").mkdir()
    (tmp_path / "digested_tools" / "__init__.py").write_text("")
    (tmp_path / "digested_tools" / "deep.py").write_text("x = 1\n")
    (tmp_path / "names.json").write_text("[]")
    (tmp_path / "unrelated.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def read() -> str:
        place = place_of_module("digested")
        assert place is not None
        return Sources().digest(place)

    return read


@pytest.mark.parametrize(
    "changed",
    [
        *("digested/__init__.py", "digested/model.py", "digested/scale.json", "digested_helper.py"),
        *("digested_last.py", "digested_tools/deep.py", "digested_tools/new.txt", "digested/new.bin", "names.json"),
    ],
)
def test_a_change_anywhere_in_what_a_plugin_is_made_of_changes_its_digest(
    digest: Callable[[], str], tmp_path: Path, changed: str
) -> None:
    before = digest()
    path = tmp_path / changed
    path.write_text((path.read_text() if path.exists() else "") + "\n# changed")
    assert digest() != before


def test_other_files_and_byte_code_do_not(digest: Callable[[], str], tmp_path: Path) -> None:
    before = digest()
    (tmp_path / "unrelated.py").write_text("X = 2\n")
    (tmp_path / "digested" / "__pycache__").mkdir()
    (tmp_path / "digested" / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"1")
    assert digest() == before
    assert "digested" not in sys.modules  # read, not imported
    assert "digested_helper" not in sys.modules


def test_a_module_beside_its_data_file_is_told_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lonely.py").write_text("from pathlib import Path\nP = Path(__file__).with_name('gain.json')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    found = []
    for gain in ("1", "2"):
        (tmp_path / "gain.json").write_text(gain)
        place = place_of_module("lonely")
        assert place is not None
        found.append(Sources().digest(place))
    assert found[0] != found[1]


def test_libraries_are_found_through_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    from foresight_harness.measuring.cache import libraries

    known = {"mine": ("1", ("outer",)), "outer": ("2", ("inner", "mine")), "inner": ("3", ()), "torch": ("4", ())}
    monkeypatch.setattr(libraries, "_known", known.get)
    libraries.libraries_of.cache_clear()
    try:
        assert libraries.libraries_of("mine") == ("inner==3", "outer==2", "torch==4")
    finally:
        libraries.libraries_of.cache_clear()
