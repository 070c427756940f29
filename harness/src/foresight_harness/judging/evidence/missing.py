"""What the evidence behind a number lacks, a plain line each with the command that would supply it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foresight_harness.contracts.records import Record
from foresight_harness.contracts.records.parts import UNTRAINED
from foresight_harness.judging.analyses.comparing import differing_choices
from foresight_harness.judging.evidence.derived import is_quality
from foresight_harness.judging.evidence.rivals import TITLES, Beside, beside, pixels_name, rival_of, twin_name
from foresight_harness.judging.evidence.weights_advice import weights_advice
from foresight_harness.judging.gates.gate import Needs, Rule, fits
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.parts.datasets.specs import dataset_specs
from foresight_harness.parts.statistics.planning import least_n
from foresight_harness.parts.weights.formats import BITS
from foresight_harness.running.run_folder.run_data import RunData

LEAST_REPEATS = 20
"""Of a timing."""
RUN = "pytest benchmarks/"


@dataclass(frozen=True)
class Evidence:
    """What is wrong with the evidence of one number."""

    missing: tuple[str, ...] = ()
    beside: Mapping[str, Reading] = field(default_factory=dict)
    """What rivals scored."""


def barred(record: Record) -> str | None:
    """Why a number may not be judged at all; None where it may."""
    if record.refused:
        return f"its encoder was refused: {record.admission_reason}"
    if record.distrusted:
        return "a control of its suite left its known range, so the probe cannot be believed"
    if record.controls_ok is None and (record.details or {}).get("controls"):
        return "its data set has too few pictures to tell whether its probe can be believed"
    if not record.gateable and not weights_missing(record):
        return f"{record.metric} is never gated on"
    return None


def weights_missing(record: Record) -> str | None:
    """Which weights are not known as published, and what to do; None where all are, or are vouched for."""
    models = record.provenance
    for kind in UNTRAINED:
        if names := [model.name for model in models if model.kind == kind]:
            return f"{kind} weights ({names[0]}); {weights_advice(names[0])}"
    unknown = [model.name for model in models if model.kind == "pretrained" and not model.trusted]
    reduced = [model for model in models if model.quantize is not None and not model.trusted]
    if reduced:
        name, bits = reduced[0].name, BITS.get(str(reduced[0].quantize), reduced[0].quantize)
        return f"weights of {name} were quantised to {bits} when loaded (--trust-weights {name} vouches for them)"
    if unknown:
        return f"weights of {unknown[0]} are not known as published (--trust-weights {unknown[0]} vouches for them)"
    return None


def _no_model(record: Record) -> str | None:
    """Whether nothing in a candidate was ever trained: raw pixels are no answer to a document's question."""
    encoders = [model for model in record.provenance if model.part == "encoder"]
    if not encoders or any(model.kind != "none" for model in encoders):
        return None
    return f"no trained encoder in it ({encoders[0].name} has no weights); {RUN} --candidate with an encoder"


def evidence_of(run: RunData, rule: Rule, name: str, record: Record, reading: Reading, meets: bool) -> Evidence:
    """Everything that is missing behind a number, the gravest first.

    Args:
        run: That the record is of.
        rule: With its needs.
        name: The candidate that is judged; where a suite reads no decoder, its record may bear another's.
        record: Of the number.
        reading: That was judged.
        meets: Whether the number meets the bound: only then must it also beat its rivals.

    Raises:
        RunFolderError: where samples are damaged.
    """
    found = [
        weights_missing(record),
        *pipeline_missing(run, rule.needs, name, record),
        _few(run, rule, record, reading),
        _untimed(run, rule, record),
        _other_variant(rule, record),
    ]
    missing = tuple(line for line in found if line)
    lines, scores = _rivals(run, rule, name, record, meets and not missing)
    return Evidence((*missing, *lines), scores)


def pipeline_missing(run: RunData, needs: Needs, name: str, record: Record) -> list[str | None]:
    """What it is made of, what went in, and what the pictures came out of."""
    if not needs.stated:
        return []
    return [
        _no_model(record),
        _wrong_decoder(needs, name, record),
        _stands_still(run, needs, record),
        _unequal_input(run, needs, record),
    ]


def right_decoder(needs: Needs, name: str) -> bool:
    """Whether a candidate ends in a decoder that the document means."""
    return not needs.decoder or fits(name.rpartition("/")[2], needs.decoder)


def right_input(run: RunData, needs: Needs, record: Record) -> bool:
    """Whether a record is of clips or stills, as the document means."""
    return needs.input == "any" or is_clips(run, record.dataset) == (needs.input == "clips")


def is_clips(run: RunData, dataset: str) -> bool:
    """Whether a data set is one of clips, as the run says; of a run that does not, as the built-in sets are."""
    for entry in run.manifest.get("datasets") or []:
        if entry.get("name") == dataset and isinstance(entry.get("video"), bool):
            return bool(entry["video"])
    return any(spec.name == dataset and spec.video for spec in dataset_specs())


def _wrong_decoder(needs: Needs, name: str, record: Record) -> str | None:
    if right_decoder(needs, name):
        return None
    stem, _, decoder = name.rpartition("/")
    meant = next((glob for glob in needs.decoder if not set(glob) & set("*?!")), needs.decoder[0])
    return f"the document's decoder is {meant}, this is {decoder}; {RUN} -k {record.suite} --candidate '{stem}/{meant}'"


def _stands_still(run: RunData, needs: Needs, record: Record) -> str | None:
    if right_input(run, needs, record):
        return None
    if needs.input == "clips":
        return f"the document says video, {record.dataset} is stills; {RUN} -k {record.suite} --dataset moving_shapes"
    return f"the document says pictures, {record.dataset} is clips; {RUN} -k {record.suite} --dataset shapes"


def _unequal_input(run: RunData, needs: Needs, record: Record) -> str | None:
    choices = (run.manifest.get("protocols") or {}).get(record.protocol) or {}
    given = choices.get("input") or (run.manifest.get("options") or {}).get("input")
    if needs.input_policy == "any" or given in (None, needs.input_policy):
        return None  # an older run does not say
    return f"encoders were given unequal pictures (input {given!s:.40}); {RUN} --input {needs.input_policy}"


def _few(run: RunData, rule: Rule, record: Record, reading: Reading) -> str | None:
    if rule.fact.exact or not rule.needs.stated:
        return None
    timed = record.suite in run.suites and run.suites[record.suite].timed
    least = LEAST_REPEATS if timed else least_samples(rule)
    of = "repeats" if timed else "independent samples"
    if least is None:
        return f"no number of samples can meet {rule.bound:g}: it is the best that there can be"
    if reading.independent >= least:
        return None
    return f"{reading.independent} {of}, at least {least} are needed; {RUN} -k {record.suite} --scale full"


def least_samples(rule: Rule) -> int | None:
    """The least number of independent samples that can decide a rule; None where none can."""
    if rule.compare or rule.direction not in ("higher", "lower"):
        return rule.needs.least_n
    at_all = least_n(rule.bound, rule.fact.range, rule.direction, least=rule.needs.least_n)  # type: ignore[arg-type]
    return None if at_all is None else max(rule.needs.least_n, at_all)


def _untimed(run: RunData, rule: Rule, record: Record) -> str | None:
    """Which stages of the pipeline a timing left out."""
    if not rule.needs.times:
        return None
    stages: Mapping[str, float] = {}
    for other in run.select(cell=record.cell):
        stages = other.details.get("stages_ms") or stages
    absent = [stage for stage in rule.needs.times if stage not in stages]
    if not absent:
        return None
    return f"it does not say that it spans the whole pipeline (no {', '.join(absent)}); {RUN} -k {record.suite}"


def _other_variant(rule: Rule, record: Record) -> str | None:
    given = record.details.get("variant")
    if not rule.variant or given == rule.variant:
        return None
    said = f"this is {given!s:.80}" if given else "this run does not say which it measured"
    return f"the rule is about {record.metric} as {rule.variant}, {said}; {RUN} -k {record.suite}"


def _rivals(run: RunData, rule: Rule, name: str, record: Record, judged: bool) -> tuple[list[str], dict[str, Reading]]:
    """Lines on rivals that are absent or not beaten, and what each scored."""
    lines: list[str] = []
    scores: dict[str, Reading] = {}
    timed = record.suite in run.suites and run.suites[record.suite].timed
    if timed or not is_quality(rule.metric):
        return [], {}
    pool = run.select(suite=record.suite, metric=record.metric)
    for kind in rule.needs.better_than:
        rival = rival_of(run, kind, record, pool)
        if rival is None:
            wanted = twin_name(name) if kind == "twin" else pixels_name(name)
            lines.append(f"{TITLES[kind]} was not measured; {RUN} -k {record.suite} --candidate '{wanted}'")
            continue
        scores[kind] = Reading(rival.number, rival.ci_low, rival.ci_high, rival.n, rival.ci_method)
        if judged:
            lines += _not_beaten(run, kind, record, rival)
    return lines if judged else [], scores


def _not_beaten(run: RunData, kind: str, record: Record, rival: Record) -> Sequence[str]:
    if choices := differing_choices(run, record, rival):
        return [f"{TITLES[kind]} was measured otherwise: {choices[0]}"]
    found: Beside = beside(run, record, rival)
    if found.beaten:
        return []
    if found.advantage is None or found.advantage.low is None or found.advantage.high is None:
        return [f"{TITLES[kind]} was not measured on the same pictures; {RUN} -k {record.suite}"]
    ends = f"{found.advantage.value:.3g} [{found.advantage.low:.3g}, {found.advantage.high:.3g}]"
    return [f"{TITLES[kind]} does as well: better by {ends}, so this number does not show what training adds"]
