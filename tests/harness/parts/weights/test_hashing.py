"""Hashes of large files are remembered over processes, and never past a change of the file."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from foresight_harness.parts.weights import hashing
from foresight_harness.parts.weights.hashing import file_sha256


@pytest.fixture(autouse=True)
def _memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(hashing, "LARGE_BYTES", 10)
    hashing._sha256.cache_clear()


def _memory_file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "foresight" / "sha256.json"


def test_the_hash_is_the_one_that_sha256sum_prints(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"weights of a model")
    assert file_sha256(tmp_path / "w") == hashlib.sha256(b"weights of a model").hexdigest()


def test_another_process_need_not_read_a_large_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "w").write_bytes(b"weights of a model")
    found = file_sha256(tmp_path / "w")
    hashing._sha256.cache_clear()  # what another process starts with
    monkeypatch.setattr(hashlib, "file_digest", None)
    assert file_sha256(tmp_path / "w") == found


def test_a_file_changed_behind_an_equal_size_and_time_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "w"
    path.write_bytes(b"weights of a model")
    before, found = file_sha256(path), path.stat()
    path.write_bytes(b"WEIGHTS OF A MODEL")
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))
    assert path.stat().st_mtime_ns == found.st_mtime_ns
    assert file_sha256(path) != before


def test_small_files_are_not_remembered(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"small")
    file_sha256(tmp_path / "w")
    assert not _memory_file(tmp_path).exists()


@pytest.mark.parametrize("content", ["", "[]", "{", '{"/x": 1}', "\x00"])
def test_a_damaged_memory_is_as_good_as_none(content: str, tmp_path: Path) -> None:
    _memory_file(tmp_path).parent.mkdir(parents=True)
    _memory_file(tmp_path).write_text(content)
    (tmp_path / "w").write_bytes(b"weights of a model")
    assert file_sha256(tmp_path / "w") == hashlib.sha256(b"weights of a model").hexdigest()
    assert str((tmp_path / "w").absolute()) in json.loads(_memory_file(tmp_path).read_text())


def test_a_memory_with_nonsense_for_a_hash_is_not_believed(tmp_path: Path) -> None:
    (tmp_path / "w").write_bytes(b"weights of a model")
    right = file_sha256(tmp_path / "w")
    known = json.loads(_memory_file(tmp_path).read_text())
    next(iter(known.values()))[4] = "published"
    _memory_file(tmp_path).write_text(json.dumps(known))
    hashing._sha256.cache_clear()
    assert file_sha256(tmp_path / "w") == right
