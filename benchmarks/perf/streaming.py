"""Do time and memory follow the number of pictures as they should? 1,000 against 2,000 pictures of 16 x 16 x 1,536.

    python benchmarks/perf/streaming.py [--pictures 1000] [--rounds 1] [--threads 1] [--folder DIR] [--write]

For N and for 2 N train pictures (and half as many test pictures) a temporary cache is filled with the grids of
``dinov2_giant@last``: real shards under real keys, of invented tokens, because a forward of a billion parameters over
3,000 pictures is not what is measured. Then a fresh process fits and scores the candidate in suite ``spatial``, without
the controls: cached clips and grids are checked and opened, ``dense_ridge`` is fitted, boxes are predicted and scored.

Printed for each size: processor and wall seconds of that work; the peak of anonymous memory (``RssAnon``, looked
at every 10 ms: what the process has allocated); the peak of the whole resident set, in which pages of mapped shards
count, though the system can drop them at any time. Fails where doubling the pictures does not double the processor time
(1.8 to 2.2), or takes either peak beyond 1.2 times. Needs 5 GB of disk at the default size, which are freed.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

TIME_RATIO, MEMORY_RATIO = (1.8, 2.2), 1.2
CANDIDATE = "dinov2_giant@last/identity/single/linear"
FIGURES = Path(__file__).with_suffix(".json")
BLOCK = 32


def cell_of(folder: Path, pictures: int) -> Any:
    """The cell that is measured: ``pictures`` to fit, half as many to score."""
    from foresight_harness.measuring.workshop.cell import Cell
    from foresight_harness.planning.options import SCALES
    from foresight_harness.surface.python_calls import opened

    sizes = replace(SCALES["full"], name="streaming", train=pictures, test=pictures // 2, canvas_px=224)
    places = {"out": folder / "runs", "feature_cache": folder / "cache"}
    keeper = opened(CANDIDATE, "spatial", "shapes", sizes=sizes, weights="random", **places)
    (planned,) = keeper.planned
    return Cell(keeper.workshop, planned.candidate, planned.suite, planned.dataset)


def fill(folder: Path, pictures: int) -> None:
    """Decode the pictures and write invented grids, in which one channel of four says where objects are."""
    import torch
    from foresight_harness.measuring.cache.keys import content_key
    from foresight_harness.measuring.extraction.splits import SPLITS

    cell = cell_of(folder, pictures)
    shape, spec = cell.candidate.streams[0].shape(), cell.candidate.streams[0].encoder
    generator = torch.Generator().manual_seed(0)
    for name in SPLITS:
        split = cell.split(name)
        choices = cell.workshop.extraction.choices(spec, "last", split)
        coverage = split.labels.coverage(shape.rows, shape.cols)[..., None]
        with cell.workshop.store.writer(content_key(choices), choices) as writer:
            for start in range(0, len(split), BLOCK):
                some = coverage[start : start + BLOCK]
                tokens = torch.randn(*some.shape[:-1], shape.width, generator=generator)
                tokens[..., ::4] += some
                writer.add(tokens)


class Watch:
    """The largest anonymous memory of this process, looked at by a thread."""

    def __init__(self) -> None:
        self.most = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(0.01):
            self.most = max(self.most, _status("RssAnon"))


def _status(field: str) -> int:
    """A field of this process's status, in KiB."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))


def measure(folder: Path, pictures: int, threads: int) -> dict[str, float]:
    """Fit and score once in this process."""
    import resource

    import torch
    from foresight_harness.measuring.suites import spatial

    torch.set_num_threads(threads)
    with Watch() as watch:
        cell = cell_of(folder, pictures)
        before = _status("RssAnon")
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = spatial.measure(cell)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    iou = next(found for found in outcome.measurements if found.metric == "iou")
    assert iou.values is not None
    return {
        "pictures": pictures,
        "cpu_s": round(cpu, 2),
        "wall_s": round(wall, 2),
        "anonymous_before_mib": round(before / 1024),
        "anonymous_peak_mib": round(watch.most / 1024),
        "resident_peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "iou": round(float(iou.values.mean()), 4),
    }


def part(name: str, folder: Path, pictures: int, threads: int) -> str:
    """Run one part in a process of its own; what it prints."""
    command = [sys.executable, __file__, "--part", name, "--folder", str(folder)]
    command += ["--pictures", str(pictures), "--threads", str(threads)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def compared(options: argparse.Namespace) -> dict[str, Any]:
    """Both sizes, each in processes of its own, and what doubling did."""
    found = []
    for pictures in (options.pictures, 2 * options.pictures):
        with tempfile.TemporaryDirectory(dir=options.folder) as place:
            part("fill", Path(place), pictures, options.threads)
            rounds = [
                json.loads(part("measure", Path(place), pictures, options.threads)) for _ in range(options.rounds)
            ]
        best = min(rounds, key=lambda one: one["cpu_s"])
        found.append(best)
        print("  ".join(f"{name} {value:g}" for name, value in best.items()), flush=True)
    ratios = {name: round(found[1][name] / found[0][name], 3) for name in found[0] if name.endswith(("_s", "peak_mib"))}
    return {"candidate": CANDIDATE, "threads": options.threads, "sizes": found, "ratios": ratios}


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {FIGURES.name}")
    parser.add_argument("--part", choices=("fill", "measure"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "fill":
        fill(options.folder, options.pictures)
        return 0
    if options.part == "measure":
        print(json.dumps(measure(options.folder, options.pictures, options.threads)))
        return 0
    found = compared(options)
    ratios = found["ratios"]
    print("doubled: " + "  ".join(f"{name} x {ratio:g}" for name, ratio in ratios.items()))
    if options.write:
        FIGURES.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    held = TIME_RATIO[0] <= ratios["cpu_s"] <= TIME_RATIO[1]
    held = held and max(ratios["anonymous_peak_mib"], ratios["resident_peak_mib"]) <= MEMORY_RATIO
    print("time and memory follow the pictures as they should" if held else "they do not")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
