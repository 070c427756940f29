"""The command ``foresight-bench``: one file a verb."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.text import one_line
from foresight_harness.surface.command.verbs import VERBS, Verb

PROGRAM = "foresight-bench"
CLOSE = 0.7
"""Likeness of a verb that is meant: names are short, so that half of the letters are shared by chance."""
PLACES = ("out", "feature_cache")
"""Options of ``foresight.toml`` that every verb takes which has them: where runs and features lie."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0 fine, 1 regression, NO-GO or failed verification, 2 usage, 3 inconclusive or not comparable, 130 interrupted;
        of ``run``, pytest's own.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    name = words[0] if words else ""
    if "_ARGCOMPLETE" in os.environ:  # a shell asks what may stand next
        return _complete()
    try:
        parser = command(name, _places(name, words))
        _refuse_unknown(parser, name)
        options, rest = parser.parse_known_args(words)
        if hasattr(options, "hands_on"):
            options.hands_on = words[1:]
        elif rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
        code: int = options.carry_out(options)
    except ForesightError as error:
        print(f"{PROGRAM} {name}: {one_line(error)}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except (OSError, UnicodeDecodeError) as error:  # a folder that may not be read, a file that is no text
        print(f"{PROGRAM} {name}: {one_line(error)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{PROGRAM} {name}: interrupted", file=sys.stderr)
        return 130
    return code


def _complete() -> int:
    """Answer the Tab key. argcomplete ends the process itself, where the shell asked in order."""
    from foresight_harness.surface.command.completion import answer, verb_of

    answer(command(verb_of(os.environ.get("COMP_LINE", ""))))
    return 0


def command(only: str | None = None, places: Mapping[str, object] | None = None) -> argparse.ArgumentParser:
    """The parser of the command.

    Args:
        only: The verb whose options are wanted, so that the others need not be imported; None is all.
        places: Other defaults for where runs and features lie, by option.
    """
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Which visual encoder keeps enough of what is where to condition a decoder?",
        epilog=f"{PROGRAM} VERB --help says more, with examples.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {_version()}")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb in VERBS:
        one = verbs.add_parser(
            verb.name,
            help=verb.help,
            description=verb.help,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if only in (None, verb.name):
            _fill(one, verb, places or {})
    return parser


def _fill(parser: argparse.ArgumentParser, verb: Verb, places: Mapping[str, object]) -> None:
    """Import a verb and give its parser its options."""
    from foresight_harness.planning.options.declared import CONFIG, declare

    module = verb.load()
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    declare(parser.add_argument, [CONFIG])
    module.add_arguments(parser)
    parser.set_defaults(carry_out=module.run)
    parser.set_defaults(**{name: value for name, value in places.items() if parser.get_default(name) is not None})
    parser.epilog = "\n".join(["examples:", *(f"  {line}" for line in getattr(module, "EXAMPLES", ()))])


def _places(name: str, words: Sequence[str]) -> dict[str, object]:
    """What the file of options says about where things lie. Raises: UsageError."""
    if name not in _names():
        return {}
    from foresight_harness.planning.options.file import read_options

    named = [after for word, after in zip(words, [*words[1:], None], strict=True) if word == "--config"]
    named += [word.partition("=")[2] for word in words if word.startswith("--config=")]
    values = read_options(named[-1] if named else None).values
    return {place: values[place] for place in PLACES if place in values}


def _version() -> str:
    """The package's own, which no wing imports."""
    return str(getattr(sys.modules["foresight_harness"], "__version__", ""))


def _names() -> list[str]:
    return [verb.name for verb in VERBS]


def _refuse_unknown(parser: argparse.ArgumentParser, name: str) -> None:
    """One line with the nearest names, and exit 2."""
    if name and not name.startswith("-") and name not in _names():
        from foresight_harness.planning.registry.registry import nearest

        parser.exit(2, f"{PROGRAM}: unknown verb {name!r}{nearest(name, _names(), CLOSE)}\n")
