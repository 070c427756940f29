"""Options of group "foresight", and how they become ``RunOptions``."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.planning.options.declared import CONFIG, OPTIONS, declare

if TYPE_CHECKING:
    from foresight_harness.planning.candidates import Selection
    from foresight_harness.planning.options import RunOptions


def add_options(parser: pytest.Parser) -> None:
    """Declare the options; names are public. ``--strict`` is pytest's own, and we read it too (exit 11)."""
    group = parser.getgroup("foresight", "Foresight: which pipelines to score, on what, how")
    declare(group.addoption)
    declare(group.addoption, [CONFIG])


def given_options(config: pytest.Config) -> dict[str, Any]:
    """What the command line says, else ``foresight.toml``, by name; defaults are not in it. Raises: UsageError."""
    from foresight_harness.planning.options.file import merged, read_options

    said = {option.name: config.getoption(option.flag) for option in OPTIONS}
    strict = config.getoption("strict", False) or None
    return merged(read_options(config.getoption("--config")), said | {"strict": strict})


def options_of(config: pytest.Config, selection: Selection) -> RunOptions:
    """The options of this session; the matrix fills in scale and data sets. Raises: UsageError."""
    from foresight_harness.planning.options.run_options import run_options

    return run_options(given_options(config), selection)


def benchmark_places(config: pytest.Config) -> list[Path]:
    """Where named matrices, gates and sentinels may lie: beside the benchmarks that were asked for before any other."""
    from foresight_harness.planning.named_files import places

    asked = [Path(str(argument).partition("::")[0]) for argument in config.args]
    folders = [place if place.is_dir() else place.parent for place in asked]
    return places([*folders, config.rootpath / "benchmarks"])


def command_of(config: pytest.Config, *, resume: bool = True) -> str:
    """What to type to repeat a session; without ``resume`` what starts a new run instead of going on with one."""
    through = Path(sys.argv[0]).name
    words = sys.argv[1:] if through == "foresight-bench" else map(str, config.invocation_params.args)
    kept = [word for word in words if resume or word != "--resume"]
    return one_line(without_secrets(shlex.join([through if through == "foresight-bench" else "pytest", *kept])))


def named_folders(config: pytest.Config, kind: str) -> list[Path]:
    """Those of ``benchmark_places`` that hold named files of a kind: ``matrices`` or ``gates``."""
    return [folder / kind for folder in benchmark_places(config) if (folder / kind).is_dir()]
