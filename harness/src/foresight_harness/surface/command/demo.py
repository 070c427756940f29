"""``foresight-bench demo``: a real result in under a minute, and what it shows."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import NamedTuple

from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.parts.weights.present_files import is_published
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.surface.command.printing import console, print_json
from foresight_harness.surface.result import result_of

EXAMPLES = (
    "foresight-bench demo",
    "foresight-bench demo --out /data/runs",
    "foresight-bench demo --json",
)
DATASET = "kinds"
CONTROLS = ("pixels@patch", "oracle@mask")


class Chosen(NamedTuple):
    """What is shown."""

    candidates: tuple[str, ...]
    sentence: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``--out``."""
    parser.add_argument("--out", default="runs", metavar="DIR", help="where the run is written; default runs")


def run(options: argparse.Namespace) -> int:
    """Score, print the table and what it says; 1 where a cell failed."""
    from foresight_harness.surface.python_calls import score

    began = time.monotonic()
    registry = load_registry()
    shown = chosen(registry)
    progress = Progress(write=lambda line: print(f"  {line}", file=sys.stderr))
    done = score(
        shown.candidates, suite="spatial", dataset=DATASET, out=options.out, registry=registry, progress=progress
    )
    found, page = result_of(done.path), done.path / "report.html"
    told = next((one.value for one in done.records if one.role == "ceiling" and one.metric == "iou"), None)
    ceiling = "" if told is None else f"oracle, which is told where it is, scores {told:.3f}. "
    if options.json:
        result = None if found is None else found.as_json()
        print_json({"run": str(done.path), "result": result, "says": ceiling + shown.sentence})
        return int(bool(done.failures))
    lines = [
        *([] if found is None else found.lines()),
        ceiling + shown.sentence,
        *(failed.error or failed.status for failed in done.failures),
        f"{time.monotonic() - began:.0f} s",
        f"run: {_here(done.path)}",
        *([f"report: {_here(page)}"] if page.is_file() else []),
    ]
    for line in lines:
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    return int(bool(done.failures))


def chosen(registry: Registry) -> Chosen:
    """The smallest encoder whose trained weights are on this machine, else a tiny one with random weights."""
    offered = [spec for spec in registry.encoders.values() if spec.role == "candidate" and spec.inputs == "clips"]
    trained = [spec for spec in offered if spec.published is not None and is_published(spec.published)]
    tiny = [spec for spec in offered if spec.size == "tiny"]
    question = f"{DATASET} asks where the star is among other kinds; pixels is no model at all."
    if trained:
        spec = min(trained, key=lambda spec: spec.params or sys.maxsize)
        twin = _beside(registry, spec, "random")
        learned = f" What {spec.name} has over its twin with random weights, training has given." if twin else ""
        return Chosen((_at(spec), *twin, *CONTROLS), question + learned)
    if tiny:
        spec = next((spec for spec in tiny if spec.name == "dinov2_tiny"), tiny[0])
        said = (
            f" {spec.name} has random weights, and so shows how a result looks, not what a model knows; "
            "foresight-bench weights fetch brings trained ones."
        )
        return Chosen((_at(spec), *_beside(registry, spec, "shuffled"), *CONTROLS), question + said)
    return Chosen(CONTROLS, f"{question} No plugin with an encoder is installed: pip install foresight-dinov2.")


def _at(spec: EncoderSpec) -> str:
    return f"{spec.name}@{spec.default_tap}"


def _beside(registry: Registry, spec: EncoderSpec, family: str) -> tuple[str, ...]:
    """A variant of the encoder at the same tap, where the registry offers that family."""
    return (f"{family}:{_at(spec)}",) if family in registry.encoders else ()


def _here(path: Path) -> Path:
    """Relative to the working folder where it lies below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
