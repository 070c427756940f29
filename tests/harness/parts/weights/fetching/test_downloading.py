"""Downloads are resumed, held to size and hash, and put in place only when whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.fetching.downloading import PART, TRIES, download

CONTENT = bytes(range(256)) * 4096
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def _get(server: Any, target: Path, **changes: Any) -> Path:
    server.files.setdefault("/files/w.bin", CONTENT)
    facts = {"sha256": SHA256, "size": len(CONTENT), **changes}
    return download(f"{server.address}/files/w.bin", target, **facts)


def test_a_file_comes_whole_and_is_told_of(server: Any, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    found = _get(server, tmp_path / "w.bin", told=lambda done, total: told.append((done, total)))
    assert found.read_bytes() == CONTENT
    assert told[0] == (0, len(CONTENT))
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in tmp_path.iterdir()] == ["w.bin"]


def test_what_is_there_is_not_asked_for_again(server: Any, tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(CONTENT)
    _get(server, tmp_path / "w.bin")
    assert server.asked == []


def test_a_connection_that_breaks_off_is_resumed(server: Any, tmp_path: Path) -> None:
    server.cuts = 2
    assert _get(server, tmp_path / "w.bin").read_bytes() == CONTENT
    half, quarter = len(CONTENT) // 2, len(CONTENT) * 3 // 4
    assert [wanted for _, wanted in server.asked] == [None, f"bytes={half}-", f"bytes={quarter}-"]


def test_a_server_that_cannot_resume_sends_it_all_again(server: Any, tmp_path: Path) -> None:
    server.cuts, server.ranges = 1, False
    assert _get(server, tmp_path / "w.bin").read_bytes() == CONTENT


def test_a_download_that_stays_cut_keeps_its_beginning_for_the_next_call(server: Any, tmp_path: Path) -> None:
    server.cuts = TRIES
    with pytest.raises(CheckpointError, match=r"w\.bin could not be downloaded: it broke off after \d+ of") as caught:
        _get(server, tmp_path / "w.bin")
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == [f"w.bin{PART}"]
    assert _get(server, tmp_path / "w.bin").read_bytes() == CONTENT
    assert server.asked[-1][1] is not None


def test_another_content_is_refused_and_not_kept(server: Any, tmp_path: Path) -> None:
    server.files["/files/w.bin"] = CONTENT[::-1]
    with pytest.raises(CheckpointError, match=r"w\.bin came with sha256 .*; nothing was kept"):
        _get(server, tmp_path / "w.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_longer_file_is_refused_before_it_fills_the_disk(server: Any, tmp_path: Path) -> None:
    server.files["/files/w.bin"] = CONTENT * 3
    with pytest.raises(CheckpointError, match="is longer than the 1048576 bytes that were published"):
        _get(server, tmp_path / "w.bin")
    assert all(path.stat().st_size == 0 for path in tmp_path.iterdir())


def test_a_foreign_beginning_does_not_survive(server: Any, tmp_path: Path) -> None:
    (tmp_path / f"w.bin{PART}").write_bytes(b"x" * (len(CONTENT) + 5))
    assert _get(server, tmp_path / "w.bin").read_bytes() == CONTENT


def test_the_start_of_a_hash_is_enough_where_the_publisher_gives_no_more(server: Any, tmp_path: Path) -> None:
    assert _get(server, tmp_path / "w.bin", sha256=SHA256[:8], size=None).read_bytes() == CONTENT


def test_an_absent_file_and_an_absent_server_are_one_line_each(server: Any, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"o\.bin could not be downloaded: the server answered 404"):
        download(f"{server.address}/files/o.bin", tmp_path / "o.bin", sha256=SHA256, size=1)
    assert len(server.asked) == 1
    with pytest.raises(CheckpointError, match=r"w\.bin could not be downloaded: .*refused"):
        download("http://127.0.0.1:9/w.bin", tmp_path / "w.bin", sha256=SHA256, size=1)


def test_a_name_and_password_of_the_address_go_into_a_header(server: Any, tmp_path: Path) -> None:
    server.files["/files/w.bin"] = CONTENT
    address = server.address.replace("http://", "http://me:secret@")
    download(f"{address}/files/w.bin", tmp_path / "w.bin", sha256=SHA256, size=len(CONTENT))
    assert server.signed == ["Basic bWU6c2VjcmV0"]
