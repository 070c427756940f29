"""One feature file a picture, as research code often keeps them, against the store's shards: the same tokens, one run.

    python benchmarks/perf/feature_files.py [--pictures 1000] [--width 384] [--rounds 5] [--folder DIR] [--write]

Grids of 16 x 16 tokens in float32 are written by each way: a safetensors file with its sha256 a picture, and the store
(shards, checksums, index). Then, in turns: all pictures in order in batches of 64; random batches of 64, as a
fit draws them; and the check of all checksums. Processor seconds, medians over rounds, and their ratio. The page cache
is warm for both: on a network file system, where a file is a round trip, the gap is larger. Fails where shards are
slower to read.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

SIDE, BATCH = 16, 64
KEY = content_key({"kind": "perf"})
FIGURES = Path(__file__).with_suffix(".json")


class Files:
    """A safetensors file a picture, with its digest beside it in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.digests: list[str] = []

    def write(self, blocks: list[Tensor]) -> None:
        """One file a picture."""
        self.folder.mkdir(parents=True)
        self.digests.clear()
        for block in blocks:
            for tokens in block:
                path = self._path(len(self.digests))
                save_file({"items": tokens.contiguous()}, path)
                self.digests.append(_sha256(path))

    def take(self, indices: list[int]) -> Tensor:
        """Open, read, stack."""
        found = []
        for index in indices:
            with safe_open(self._path(index), framework="pt") as file:  # type: ignore[no-untyped-call]
                found.append(file.get_tensor("items"))
        return torch.stack(found)

    def verify(self) -> None:
        """Compare every digest."""
        assert all(_sha256(self._path(index)) == digest for index, digest in enumerate(self.digests))

    def _path(self, index: int) -> Path:
        return self.folder / f"{index:06d}.safetensors"


class Shards:
    """The store, as a run uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._array: StoredArray | None = None

    def write(self, blocks: list[Tensor]) -> None:
        """As extraction writes: a batch at a time."""
        store = ArrayStore(self.folder)
        with store.writer(KEY, {}) as writer:
            for block in blocks:
                writer.add(block)
        self._array = store.open(KEY)

    def take(self, indices: list[int]) -> Tensor:
        """From maps."""
        assert self._array is not None
        return self._array.take(indices)

    def verify(self) -> None:
        """As a process does when it first opens an entry."""
        assert ArrayStore(self.folder).open(KEY) is not None


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def seconds(work: Callable[[], object]) -> float:
    """Processor seconds of this process."""
    began = time.process_time()
    work()
    return time.process_time() - began


def compared(folder: Path, pictures: int, width: int, rounds: int) -> dict[str, dict[str, float]]:
    """Median processor seconds of each piece of work by each way, and the ratio."""
    generator = torch.Generator().manual_seed(0)
    blocks = [
        torch.randn(min(BATCH, pictures - start), 1, SIDE, SIDE, width, generator=generator)
        for start in range(0, pictures, BATCH)
    ]
    ways = (Files(folder / "files"), Shards(folder / "shards"))
    found: dict[str, list[list[float]]] = {"write": [[], []]}
    for turn in range(rounds + 1):
        for place in (0, 1) if turn % 2 else (1, 0):
            shutil.rmtree(ways[place].folder, ignore_errors=True)
            found["write"][place].append(seconds(lambda way=ways[place]: way.write(blocks)))
    del found["write"][0][0], found["write"][1][0]  # the first warms up
    order = torch.randperm(pictures, generator=generator).tolist()
    jobs: dict[str, Callable[[Files | Shards], object]] = {
        "in order": lambda way: [_sum(way, range(at, min(at + BATCH, pictures))) for at in range(0, pictures, BATCH)],
        "random batches": lambda way: [_sum(way, order[at : at + BATCH]) for at in range(0, pictures, BATCH)],
        "verify": lambda way: way.verify(),
    }
    for name, job in jobs.items():
        for way in ways:
            job(way)
        found[name] = [[], []]
        for turn in range(rounds):
            for place in (0, 1) if turn % 2 else (1, 0):
                found[name][place].append(seconds(lambda job=job, way=ways[place]: job(way)))
    assert torch.equal(ways[0].take(order[:BATCH]), ways[1].take(order[:BATCH]))
    table = {}
    for name, (files, shards) in found.items():
        one, other = statistics.median(files), statistics.median(shards)
        table[name] = {"files_s": round(one, 3), "shards_s": round(other, 3), "times": round(one / other, 2)}
    return table


def _sum(way: Files | Shards, indices: object) -> float:
    """Read a batch and touch all of it."""
    return float(way.take(list(indices)).sum())  # type: ignore[call-overload]


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--width", type=int, default=384)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {FIGURES.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=options.folder) as place:
        table = compared(Path(place), options.pictures, options.width, options.rounds)
        counts = [sum(1 for _ in Path(place, name).rglob("*.*")) for name in ("files", "shards")]
    for name, row in table.items():
        print(f"{name:15} files {row['files_s']:7.3f} s   shards {row['shards_s']:7.3f} s   {row['times']:.2f} times")
    print(f"{options.pictures} pictures of {SIDE}x{SIDE}x{options.width}: {counts[0]} files against {counts[1]}")
    if options.write:
        facts = {"pictures": options.pictures, "width": options.width, "rounds": options.rounds, "threads": 1}
        FIGURES.write_text(json.dumps({**facts, "work": table}, indent=1) + "\n", encoding="utf-8")
    return 0 if min(table[name]["times"] for name in ("in order", "random batches")) >= 1 else 1


if __name__ == "__main__":
    sys.exit(main())
