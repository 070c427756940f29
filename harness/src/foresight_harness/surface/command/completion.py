"""``foresight-bench completion SHELL``: what the Tab key needs; and the answers when it is pressed (argcomplete)."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.planning.named_files import by_name, folders_of
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.run_folder.latest import RUN_ID

EXAMPLES = (
    "foresight-bench completion bash > ~/.local/share/bash-completion/completions/foresight-bench",
    "foresight-bench completion zsh > ~/.zfunc/_foresight-bench",
    "foresight-bench completion fish > ~/.config/fish/completions/foresight-bench.fish",
)
SHELLS = ("bash", "zsh", "fish")
PROGRAM = "foresight-bench"
FILES = ("FILE", "DIR", "DIR|URL", "NAME=SOURCE")
"""Words in help for values that name places: what the shell completes by itself."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The shell."""
    parser.add_argument("shell", choices=SHELLS, help="whose Tab key it is")


def run(options: argparse.Namespace) -> int:
    """Print the code, for the file where the shell looks for it."""
    from argcomplete.shell_integration import shellcode

    print(shellcode([PROGRAM], shell=options.shell))
    return 0


def verb_of(line: str) -> str:
    """The verb of a line that is being typed; "" where it is not finished."""
    words = line.split()
    return words[1] if len(words) > 2 or (len(words) == 2 and line.endswith(" ")) else ""


def answer(parser: argparse.ArgumentParser, stream: IO[bytes] | None = None) -> None:
    """Say what may stand where the cursor is, and end the process: the shell asked, by its variables."""
    import argcomplete

    for one in _parsers(parser):
        for action in one._actions:
            complete = completer_of(action)
            if complete is not None and action.choices is None:
                action.completer = complete  # type: ignore[attr-defined]
    how: dict[str, Any] = {} if stream is None else {"output_stream": stream}
    argcomplete.autocomplete(parser, always_complete_options="long", **how)


def _parsers(parser: argparse.ArgumentParser) -> Iterable[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from _parsers(one)


def completer_of(action: argparse.Action) -> Callable[..., Sequence[str]] | None:
    """What may stand for a value, by the name of its option, else by the words that its help shows for it."""
    names = {option.lstrip("-") for option in action.option_strings}
    shown = str(action.metavar or "")
    for name in names:
        if name in OFFERED:
            return lambda **about: _silently(OFFERED[name])
    if shown in ("RUN", "BASELINE", "RUN|NAME"):
        return lambda **about: _runs(getattr(about.get("parsed_args"), "out", None))
    words = shown.split("|")
    if len(words) > 1 and shown not in FILES:
        return lambda **about: [word for word in words if word.islower()]
    return None


def _silently(names: Callable[[], Iterable[str]]) -> list[str]:
    """Names, or none: nothing may be said while a line is typed."""
    with suppress(ForesightError, OSError):
        return sorted(set(names()))
    return []


def _taps() -> Iterable[str]:
    for name, spec in _registry().encoders.items():
        yield from (f"{name}@{tap.name}" for tap in getattr(spec, "taps", ()))


def _registry() -> Registry:
    return load_registry()


OFFERED: dict[str, Callable[[], Iterable[str]]] = {
    "matrix": lambda: by_name(folders_of("matrices")),
    "gate": lambda: by_name(folders_of("gates")),
    "candidate": _taps,
    "dataset": lambda: _registry().datasets,
    "suite": lambda: _registry().suites,
    "probe": lambda: _registry().probes,
    "metric": lambda: _registry().metrics,
}
"""By option: names that this environment offers."""


def _runs(out: str | None) -> list[str]:
    """``latest``, runs and baselines."""
    place = Path(out or "runs")
    with suppress(OSError):
        found = sorted(path.name for path in place.iterdir() if RUN_ID.fullmatch(path.name))
        kept = sorted(path.name for path in (place / "baselines").glob("*") if path.is_dir())
        return ["latest", *reversed(found), *kept]
    return ["latest"]
