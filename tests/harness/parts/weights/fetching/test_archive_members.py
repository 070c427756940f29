"""One member is read; an archive with a name that leads outside, a link or another content is refused whole."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.fetching.archive_members import read_member

Make = Callable[..., bytes]
CONTENT = b"weights"
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _read(path: Path, content: bytes, member: str = "p/w.bin", size: int = len(CONTENT), sha256: str = SHA256) -> bytes:
    path.write_bytes(content)
    return read_member(path, member, sha256=sha256, size=size)


def test_a_member_of_either_kind_of_archive_is_read(
    tmp_path: Path, make_source_archive: Make, make_wheel: Make
) -> None:
    assert _read(tmp_path / "p.tar.gz", make_source_archive({"p/setup.py": b"raise", "p/w.bin": CONTENT})) == CONTENT
    assert _read(tmp_path / "p.whl", make_wheel({"p/__init__.py": b"raise", "p/w.bin": CONTENT})) == CONTENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.tar.gz", "p.whl"]


@pytest.mark.parametrize("name", ["../w.bin", "/etc/w.bin", "p/../../w.bin", "p\\..\\w.bin", "C:/w.bin", "p/\x1b[2J"])
def test_a_name_that_leads_outside_is_refused(
    name: str, tmp_path: Path, make_source_archive: Make, make_wheel: Make
) -> None:
    members = {"p/w.bin": CONTENT, name: b"harm"}
    for path, content in (("p.tar.gz", make_source_archive(members)), ("p.whl", make_wheel(members))):
        with pytest.raises(CheckpointError, match=r"is refused: it holds .* a name that leads out of it") as caught:
            _read(tmp_path / path, content)
        assert str(caught.value).isprintable()


def test_a_link_is_refused(tmp_path: Path, make_source_archive: Make) -> None:
    content = make_source_archive({"p/w.bin": CONTENT}, links={"p/link": "/etc/passwd"})
    with pytest.raises(CheckpointError, match="'p/link' is a link or a device, not a file"):
        _read(tmp_path / "p.tar.gz", content)
    content = make_source_archive({}, links={"p/w.bin": "/etc/passwd"})
    with pytest.raises(CheckpointError, match="is a link or a device"):
        _read(tmp_path / "p.tar.gz", content)


def test_another_content_size_or_name_is_refused(tmp_path: Path, make_source_archive: Make) -> None:
    content = make_source_archive({"p/w.bin": CONTENT})
    with pytest.raises(CheckpointError, match=r"p/w\.bin has sha256 .* expected 0000"):
        _read(tmp_path / "p.tar.gz", content, sha256="0" * 64)
    with pytest.raises(CheckpointError, match=r"p/w\.bin has 7 bytes, expected 6"):
        _read(tmp_path / "p.tar.gz", content, size=6)
    with pytest.raises(CheckpointError, match=r"holds 0 files p/other\.bin, one was expected"):
        _read(tmp_path / "p.tar.gz", content, member="p/other.bin")


def test_a_damaged_archive_is_refused_in_one_line(tmp_path: Path, make_source_archive: Make, make_wheel: Make) -> None:
    source, zipped = make_source_archive({"p/w.bin": CONTENT}), make_wheel({"p/w.bin": CONTENT})
    for name, content in (("p.tar.gz", source[:40]), ("p.tar.gz", b"no archive"), ("p.whl", zipped[:-30])):
        with pytest.raises(CheckpointError, match=r"is damaged or no archive|holds 0 files") as caught:
            _read(tmp_path / name, content)
        assert "\n" not in str(caught.value)
