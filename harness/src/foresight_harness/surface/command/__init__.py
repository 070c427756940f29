"""The command ``foresight-bench``: one file a verb."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.surface.command import (
    aa,
    ab,
    baseline,
    cache,
    candidates,
    compare,
    data,
    doctor,
    export,
    figure,
    gate,
    history,
    new_plugin,
    plan,
    plugins,
    rank,
    report,
    verify,
    weights,
)

VERBS = (
    plugins,
    candidates,
    plan,
    report,
    figure,
    rank,
    gate,
    compare,
    baseline,
    history,
    ab,
    aa,
    verify,
    export,
    cache,
    weights,
    data,
    new_plugin,
    doctor,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns:
        0 fine, 1 regression, NO-GO or failed verification, 2 usage, 3 inconclusive or not comparable, 130 interrupted.
    """
    options = command().parse_args(arguments)
    try:
        code: int = options.carry_out(options)
    except ForesightError as error:
        print(f"foresight-bench {options.verb}: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:
        return 0
    except KeyboardInterrupt:
        print(f"foresight-bench {options.verb}: interrupted", file=sys.stderr)
        return 130
    return code


def command() -> argparse.ArgumentParser:
    """The parser of every verb."""
    parser = argparse.ArgumentParser(
        prog="foresight-bench", description="Which visual encoder keeps enough of what is where to condition a decoder?"
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for module in VERBS:
        verb = verbs.add_parser(module.NAME, help=module.HELP, description=module.HELP)
        verb.add_argument("--json", action="store_true", help="print JSON instead of text")
        module.add_arguments(verb)
        verb.set_defaults(carry_out=module.run)
    return parser
