from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import CacheError
from foresight_harness.measuring.cache import store as store_module
from foresight_harness.measuring.cache.arrays import MAPPED
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore

KEY = content_key({"kind": "test"})


def fill(store: ArrayStore, items: torch.Tensor, batch: int = 4) -> None:
    """Write ``items`` in batches."""
    with store.writer(KEY, {"kind": "test"}) as writer:
        for start in range(0, len(items), batch):
            writer.add(items[start : start + batch])


def test_written_samples_come_back_in_order_over_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SHARD_BYTES", 200)
    items = torch.arange(22 * 6, dtype=torch.float32).reshape(22, 2, 3)
    store = ArrayStore(tmp_path)
    fill(store, items)
    array = store.open(KEY)
    assert array is not None
    assert len(array.files) > 1
    assert torch.equal(torch.cat(list(array.batches(5))), items)
    assert torch.equal(array.take([21, 0, 13, 13]), items[[21, 0, 13, 13]])
    assert torch.equal(array.whole(), items)


@pytest.mark.parametrize("size", [1, 5, 12, 30])
def test_batches_run_across_the_edges_of_shards(size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = torch.arange(22 * 6, dtype=torch.float32).reshape(22, 2, 3)
    cut = []
    for shard in (store_module.SHARD_BYTES, 200):
        monkeypatch.setattr(store_module, "SHARD_BYTES", shard)
        store = ArrayStore(tmp_path / str(shard))
        fill(store, items)
        array = store.open(KEY)
        assert array is not None
        cut.append([len(batch) for batch in array.batches(size)])
    assert len(array.files) > 1
    assert cut[0] == cut[1] == [len(batch) for batch in items.split(size)]


def test_damaged_shard_counts_as_absent_and_can_be_rebuilt(tmp_path: Path) -> None:
    items = torch.rand(6, 3)
    fill(ArrayStore(tmp_path), items)
    shard = next(tmp_path.rglob("shard-*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-2] ^= 0xFF
    shard.write_bytes(content)
    store = ArrayStore(tmp_path)
    assert store.open(KEY) is None
    fill(store, items)
    found = store.open(KEY)
    assert found is not None
    assert torch.equal(found.take(range(6)), items)


def test_cut_index_counts_as_absent(tmp_path: Path) -> None:
    fill(ArrayStore(tmp_path), torch.rand(2, 3))
    index = next(tmp_path.rglob("index.json"))
    index.write_text(index.read_text()[:20])
    assert ArrayStore(tmp_path).open(KEY) is None


def test_failed_writer_leaves_nothing(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)

    def broken_off() -> None:
        with store.writer(KEY, {}) as writer:
            writer.add(torch.rand(2, 3))
            raise RuntimeError("mid-way")

    with pytest.raises(RuntimeError, match="mid"):
        broken_off()
    assert store.open(KEY) is None
    assert not list(tmp_path.rglob("*.safetensors"))


def test_second_writer_of_one_key_does_not_replace_the_first(tmp_path: Path) -> None:
    store = ArrayStore(tmp_path)
    first = torch.zeros(2, 3)
    fill(store, first)
    fill(ArrayStore(tmp_path), torch.ones(2, 3))
    found = ArrayStore(tmp_path).open(KEY)
    assert found is not None
    assert torch.equal(found.take([0, 1]), first)


def test_samples_of_unequal_shape_are_refused(tmp_path: Path) -> None:
    with ArrayStore(tmp_path).writer(KEY, {}) as writer:
        writer.add(torch.rand(2, 3))
        with pytest.raises(CacheError, match="one canvas size"):
            writer.add(torch.rand(2, 4))


def test_key_depends_on_every_choice_and_not_on_their_order() -> None:
    assert content_key({"a": 1, "b": "x"}) == content_key({"b": "x", "a": 1})
    assert content_key({"a": 1, "b": "x"}) != content_key({"a": 1, "b": "y"})


def test_shards_that_were_left_are_unmapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "SHARD_BYTES", 200)
    items = torch.arange(60 * 6, dtype=torch.float32).reshape(60, 2, 3)
    store = ArrayStore(tmp_path)
    fill(store, items)
    array = store.open(KEY)
    assert array is not None
    assert len(array.files) > 4
    assert torch.equal(torch.cat([block.clone() for block in array.batches(5)]), items)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0)).tolist()
    assert torch.equal(array.take(order), items[order])
    mapped = {line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if str(tmp_path) in line}
    assert len(mapped) <= MAPPED


def test_entry_that_must_be_whole_is_one_shard_and_read_without_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "SHARD_BYTES", 100)
    items = torch.rand(40, 9) > 0.5
    with ArrayStore(tmp_path).writer(KEY, {}, whole=True) as writer:
        writer.add(items[:30])
        writer.add(items[30:])
        writer.facts = {"ids": ["a", "b"]}
    found = ArrayStore(tmp_path).open(KEY)
    assert found is not None
    assert found.facts == {"ids": ["a", "b"]}
    assert torch.equal(found.whole(), items)
    assert any(str(tmp_path) in line for line in Path("/proc/self/maps").read_text().splitlines())
