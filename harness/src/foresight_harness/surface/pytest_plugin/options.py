"""Options of group "foresight", and how they become ``RunOptions``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foresight_harness.parts.training.recipe import DEFAULT_RECIPE

if TYPE_CHECKING:
    from foresight_harness.planning.candidates import Selection
    from foresight_harness.planning.options import RunOptions


def add_options(parser: pytest.Parser) -> None:
    """Declare the options; names are public. ``--strict`` is pytest's own, and we read it too (exit 11)."""
    group = parser.getgroup("foresight", "Foresight: which pipelines to score, on what, how")
    add = group.addoption
    add(
        "--candidate",
        action="append",
        default=[],
        metavar="GLOB",
        help="score only the matrix's candidates that fit (repeatable), or a whole candidate string",
    )
    add("--matrix", metavar="NAME|FILE", help="set of candidates; default smoke")
    add("--scale", metavar="smoke|small|full", help="how much is measured; default the matrix's own, else smoke")
    add(
        "--dataset",
        action="append",
        default=[],
        metavar="NAME[:PATH]",
        help="data set (repeatable); default the matrix's own, else shapes and coins. "
        "coco:DIR reads DIR/images and DIR/annotations.json",
    )
    add(
        "--weights",
        metavar="pretrained|nano|random",
        help="default: random for tiny encoders, pretrained for published sizes",
    )
    add(
        "--weights-source",
        action="append",
        default=[],
        metavar="NAME=SOURCE",
        help="pretrained weights of one encoder or decoder (repeatable): a folder in the published layout, a Hub id or "
        "ID@REVISION, for timm also one .safetensors file",
    )
    add(
        "--trust-weights",
        action="append",
        default=[],
        metavar="NAME",
        help="let the pretrained weights of this encoder or decoder pass gates though they are not known as published "
        "(repeatable); the verdict says so",
    )
    add("--device", default="cpu", help="cpu, cuda, cuda:1 ...; default cpu")
    add("--dtype", default="float32", metavar="float32|bfloat16|float16")
    add("--attention", default="auto", metavar="auto|sdpa|eager|flash_attention_2")
    add("--seeds", type=int, metavar="N", help="seeds of trained parts; default by scale")
    add("--train-size", type=int, metavar="N", help="pictures that everything is fitted on; default by scale")
    add(
        "--picture-px",
        type=int,
        metavar="N",
        help="side of the pictures, and of what encoders are fed where they take any size",
    )
    add(
        "--probe",
        action="append",
        default=[],
        metavar="NAME",
        help="score this probe beside the primary one (repeatable); foresight-bench plugins lists them",
    )
    add(
        "--recipe",
        default=DEFAULT_RECIPE,
        metavar="NAME",
        help="how adapters are fitted: joint (default), spatial_then_reconstruction, frozen_enhancer, perceptual",
    )
    add("--gate", action="append", default=[], metavar="NAME", help="fail the session where this gate says NO-GO")
    add("--baseline", metavar="RUN|NAME", help="compare with that run or baseline")
    add(
        "--export",
        action="append",
        default=[],
        metavar="NAME",
        help="send every record to this tracker too (repeatable): mlflow, trackio, wandb, each an extra",
    )
    _add_running(add)


def _add_running(add: Callable[..., None]) -> None:
    """Where a run is kept, what carries it out, what ends it."""
    add("--out", default="runs", metavar="DIR", help="where run folders are written; default runs")
    add(
        "--feature-cache",
        default=".foresight/cache",
        metavar="DIR|URL",
        help="where features are kept: folder or s3://",
    )
    add("--engine", default="local", metavar="local|local:N|ray", help="this process, N workers, or a Ray cluster")
    add("--cell-timeout", type=float, metavar="SECONDS", help="a cell that takes longer is a failed cell")
    add("--worker-memory", type=float, metavar="GIB", help="end a worker that grows beyond this; its cell is oom")
    add("--max-failures", type=int, metavar="N", help="stop the session after N failed cells")
    add(
        "--admission",
        default="on",
        metavar="on|strict|off",
        help="encoders that fail the checks before ranking are shown and not ranked (on) or failed cells (strict); "
        "off asks nothing",
    )
    add("--resume", action="store_true", help="finish the latest run instead of starting a new one")
    add("--strict-plugins", action="store_true", help="stop the session where a plugin cannot be imported")


def options_of(config: pytest.Config, selection: Selection) -> RunOptions:
    """The options of this session; the matrix fills in scale and data sets. Raises: UsageError."""
    from foresight_harness.planning.options.run_options import DEFAULTS, run_options

    given = {name: config.getoption(f"--{name.replace('_', '-')}") for name in DEFAULTS if name != "strict"}
    return run_options(given | {"strict": config.getoption("strict", False)}, selection)


def named_folders(config: pytest.Config, kind: str) -> list[Path]:
    """Where named files (``matrices``, ``gates``) lie: beside the benchmarks that were asked for, then in the root."""
    places = [Path(str(argument).partition("::")[0]) for argument in config.args]
    folders = [place if place.is_dir() else place.parent for place in places]
    found = [folder / kind for folder in [*folders, config.rootpath / "benchmarks"]]
    return [folder for folder in dict.fromkeys(found) if folder.is_dir()]
