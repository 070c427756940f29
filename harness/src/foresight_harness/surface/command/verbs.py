"""The verbs of ``foresight-bench``, one line each. Their modules are imported when they are used, not before."""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import NamedTuple


class Verb(NamedTuple):
    """One verb. Its module offers ``EXAMPLES``, ``add_arguments(parser)`` and ``run(options) -> exit code``."""

    name: str
    module: str
    """File beside this one."""
    help: str

    def load(self) -> ModuleType:
        """Import the module: the verb's own imports are paid here."""
        return import_module(f"foresight_harness.surface.command.{self.module}")


VERBS = (
    Verb("demo", "demo", "show a real result in under a minute: an encoder, controls, a table, a page"),
    Verb("run", "run", "score candidates, with or without a checkout: the options of pytest benchmarks/"),
    Verb("search", "search", "find the best of a matrix for a fraction of its cost: most are left out by short fits"),
    Verb("plugins", "plugins", "list installed plugins and what they offer"),
    Verb("candidates", "candidates", "list the candidates of a matrix or a glob"),
    Verb("plan", "plan", "say what a run would do and cost, without doing it"),
    Verb("report", "report", "write the HTML report of one or more runs"),
    Verb("figure", "figure", "draw one figure of a run as SVG, PNG or PDF"),
    Verb("curve", "curve", "one number over training size, picture side or adapter size, from several runs"),
    Verb("rank", "rank", "which candidates of a run can be the best by one metric, each against each"),
    Verb("versus", "versus", "which of two candidates is better: difference, corrected p, pictures won and lost"),
    Verb("gate", "gate", "judge a run by the thresholds of a gate: exit 0 GO, 1 NO-GO, 3 not settled"),
    Verb("decide", "decide", "PROCEED, PIVOT, ABORT or CANNOT SAY of each proposal; exit 3 where nothing can be said"),
    Verb("people", "people", "ask people about blind pairs of a run's pictures, and read what several answered"),
    Verb("compare", "compare", "compare a run with a baseline or another run, number by number"),
    Verb("baseline", "baseline", "list baselines, or make a run one"),
    Verb("history", "history", "one number over all runs, and the commits between which its level changed"),
    Verb("ab", "ab", "time this working tree against another commit, in turns; exit 1 where it is slower"),
    Verb("aa", "aa", "measure how much reruns of one commit differ, and suggest tolerances"),
    Verb(
        "verify",
        "verify",
        "recompute every number of a run from its samples, hold its files against each other; exit 1 where one differs",
    ),
    Verb("export", "export", "send a finished run to a tracker; exit 1 where it does not take every record"),
    Verb("export-fit", "export_fit", "write what was fitted for a candidate as a folder that runs without the harness"),
    Verb("export-features", "export_features", "write streams of features as sharded safetensors or WebDataset"),
    Verb("cache", "cache", "show, prune or check the store of features"),
    Verb("weights", "weights", "list, fetch or check published weights"),
    Verb("data", "data", "open a data set of your own: counts, what is left out, and a contact sheet of its boxes"),
    Verb("new-plugin", "new_plugin", "write a new plugin: working code, its test, its README"),
    Verb("completion", "completion", "print what makes the Tab key complete this command, for bash, zsh or fish"),
    Verb("doctor", "doctor", "check the installation and say what to do"),
)
