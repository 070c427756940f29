"""``foresight-bench people page RUN`` asks people about blind pairs; ``people read KEY FILE...`` reads answers."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.text import one_line
from foresight_harness.judging.gates.gate_files import find_gates
from foresight_harness.judging.people.as_answers import as_answers, rules_asking
from foresight_harness.judging.people.drawing import Wanted, draw
from foresight_harness.judging.people.hearing import read_raters
from foresight_harness.judging.people.key_file import key_of, read_key, refuse_another, write_key
from foresight_harness.judging.people.question import ASKS
from foresight_harness.planning.named_files import by_name, folders_of
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command.printing import console, print_json, print_table
from foresight_harness.surface.report_writers import rendering_error, reporter

if TYPE_CHECKING:
    from foresight_harness.judging.people.conclusions import Heard

EXAMPLES = (
    "foresight-bench people page latest -o people.html",
    "foresight-bench people page RUN --ask same --candidate 'qwen2_5_vl*' --most 80 --seed 1",
    "foresight-bench people read people.key.json answers-A.json answers-B.json -o answers.toml",
)
SHOWN = ("candidate", "dataset", "share", "scenes", "answers")
PAIRS = ("first", "second", "dataset", "share", "scenes", "told")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``page RUN`` with what to ask, or ``read KEY FILE...``."""
    parser.add_argument("action", choices=("page", "read"), help="make a page of pairs, or read what was answered")
    parser.add_argument("target", metavar="RUN|KEY", help="page: run folder, id or latest; read: the page's .key.json")
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE", help="read: what each rater's page saved")
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="page: default people.html; read: answers for --answers"
    )
    parser.add_argument("--ask", action="append", default=[], choices=tuple(ASKS), help="only this; default both")
    parser.add_argument("--candidate", action="append", default=[], metavar="GLOB", help="only these; repeatable")
    parser.add_argument("--dataset", metavar="NAME[:PATH]", help="only pictures of this one")
    parser.add_argument("--most", type=int, default=60, metavar="N", help="questions of a page; default 60")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="decides scenes, order and sides; default 0")
    parser.add_argument("--out", default="runs", metavar="DIR", help="where ids are looked for; default runs")


def run(options: argparse.Namespace) -> int:
    """0; of ``read`` 3 where raters agree too little for a gate."""
    return _page(options) if options.action == "page" else _read(options)


def _page(options: argparse.Namespace) -> int:
    if options.files:
        raise UsageError(f"people page takes one RUN; {options.files[0]} is a second one")
    data = RunData.load(find_run(Path(options.out), options.target))
    asks = tuple(ask for ask in ASKS if ask in options.ask or not options.ask)
    wanted = Wanted(asks, tuple(options.candidate), options.dataset, options.most, options.seed)  # type: ignore[arg-type]
    asking = draw(data, wanted)
    page = options.output or Path("people.html")
    if page.suffix != ".html":
        raise UsageError(f"-o {page}: a page's name ends in .html")
    key = key_of(page)
    refuse_another(key, asking)
    try:
        written = reporter("people")(data.path, asking.page, [each.shown() for each in asking.questions], page)
    except Exception as error:
        raise rendering_error(error) from error
    write_key(key, asking)
    counts = {ask: len(asking.of(ask)) for ask in ASKS if asking.of(ask)}
    scenes = len({(each.dataset, each.sample) for each in asking.questions})
    if options.json:
        print_json({"page": str(written), "key": str(key), "id": asking.page, "questions": counts, "scenes": scenes})
        return 0
    said = " and ".join(f"{count} of {ask}" for ask, count in counts.items())
    console().print(f"page: {written}, {said}, {len(asking.checks)} of them checks; {scenes} scenes", markup=False)
    console().print(f"key: {key}; give people the page alone, and keep the key for foresight-bench people read")
    return 0


def _read(options: argparse.Namespace) -> int:
    if not options.files:
        raise UsageError("people read KEY FILE...: no file of answers was named")
    from foresight_harness.judging.people.conclusions import heard

    asking = read_key(Path(options.target))
    found = heard(asking, read_raters(options.files, asking))
    folders = folders_of("gates")
    registry = load_registry()
    gates = find_gates(sorted(by_name(folders)), folders, registry) if folders else []
    feeds = [
        {"gate": gate.name, "rule": rule.id, "candidate": share.candidates[0], "dataset": share.dataset}
        for gate, rule, share in rules_asking(gates, found)
    ]
    written = None
    if options.output is not None:
        if not found.raters:
            raise UsageError(f"-o {options.output}: no rater passed the checks, so there is nothing to write")
        try:
            options.output.write_text(as_answers(gates, found), encoding="utf-8")
        except OSError as error:
            raise UsageError(f"-o {options.output} cannot be written: {error.strerror}") from error
        written = str(options.output)
    if options.json:
        print_json(found.as_json() | {"feeds": feeds, "answers": written})
    else:
        _print(found, feeds, written)
    return 3 if any(agreed.short for agreed in found.agreements.values()) else 0


def _print(found: Heard, feeds: Sequence[dict[str, Any]], written: str | None) -> None:
    for rater in (*found.raters, *found.left_out):
        right, known = rater.on_checks(found.asking)
        out = " LEFT OUT" if rater in found.left_out else ""
        _say(f"{rater.name}: {len(rater.answers)} answers, {right} of {known} checks right{out}")
    for ask, agreed in found.agreements.items():
        rows = [_row(share.as_json()) for share in found.shares if share.ask == ask]
        if rows:
            asked = "the same scene" if ask == "same" else "the first is nearer to the original"
            print_table(f"share of answers: {asked}", rows, SHOWN if ask == "same" else PAIRS)
        counts = "counts for gates" if not agreed.short else f"counts for no gate: {agreed.short}"
        alpha = "" if agreed.alpha is None else f", alpha {agreed.alpha:.2f}"
        ends = "" if agreed.low is None or agreed.high is None else f" [{agreed.low:.2f}, {agreed.high:.2f}]"
        equal = "" if agreed.in_earnest is None else f", {100 * agreed.in_earnest:.0f} % of answers in earnest equal"
        _say(f"{ask}: {agreed.raters} raters{alpha}{ends}{equal}; {counts}")
    if written is not None:
        _say(f"answers: {written}, for --answers; {len(feeds)} of gates' rules ask for what was answered")


def _row(share: dict[str, Any]) -> dict[str, Any]:
    ends = "" if share["low"] is None else f" [{share['low']:.3f}, {share['high']:.3f}]"
    return share | {"share": f"{share['share']:.3f}{ends}"} | {"told": "yes" if share.get("told") else "no"}


def _say(line: str) -> None:
    console().print(one_line(line), markup=False, highlight=False)
