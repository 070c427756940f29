from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError, RunFolderError
from foresight_harness.contracts.outcomes import KeptTokens
from foresight_harness.running.run_folder.tokens import read_tokens, tokens_digest, tokens_path, write_tokens

LABELS = Labels(("p0", "p1"), ("g0", "g1"), [torch.empty(0, 4)] * 2, torch.zeros(2, 1, 4, 4, dtype=torch.bool))


def kept(features: np.ndarray, part: str = "tokens") -> KeptTokens:
    pictures = [0, 1, 1][: len(features)]
    return KeptTokens(
        part, features, pictures, [(0, 1, 2), (0, 0, 3), (0, 3, 3)][: len(features)], ["cat", None, "dog"]
    )


def test_parts_come_back_as_they_were_written(tmp_path) -> None:
    wide, narrow = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32), np.eye(3, 2, dtype=np.float32)
    digest = write_tokens(tmp_path, "c0", [kept(wide), kept(narrow, "tsne")], LABELS, {"cell": "c0"})
    found = read_tokens(tmp_path, "c0")
    assert list(found) == ["tokens", "tsne"]
    assert np.array_equal(found["tokens"].features, wide)
    assert np.array_equal(found["tsne"].features, narrow)
    assert found["tokens"].samples == ("p0", "p1", "p1")
    assert found["tokens"].places == ((0, 1, 2), (0, 0, 3), (0, 3, 3))
    assert found["tokens"].classes == ("cat", None, "dog")
    assert tokens_digest(found) == digest


def test_digest_notices_the_last_bit(tmp_path) -> None:
    features = np.ones((3, 2), dtype=np.float32)
    first = write_tokens(tmp_path, "c0", [kept(features)], LABELS, {})
    features[2, 1] = np.nextafter(features[2, 1], np.float32(2))
    assert write_tokens(tmp_path, "c0", [kept(features)], LABELS, {}) != first


def test_more_than_the_bound_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="at most 2097152 are kept"):
        write_tokens(tmp_path, "c0", [kept(np.zeros((3, 180_000), dtype=np.float32))], LABELS, {})


def test_a_damaged_file_is_one_line(tmp_path) -> None:
    write_tokens(tmp_path, "c0", [kept(np.ones((3, 2), dtype=np.float32))], LABELS, {})
    tokens_path(tmp_path, "c0").write_bytes(b"PAR1")
    with pytest.raises(RunFolderError, match="cannot be read"):
        read_tokens(tmp_path, "c0")
    assert read_tokens(tmp_path, "c1") == {}
