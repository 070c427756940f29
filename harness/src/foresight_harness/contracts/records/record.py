"""One measured number with its context: a line of ``records.jsonl``, the only place that knows its names on disk."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records.fields import (
    COUNT,
    FLAG,
    NUMBER,
    OBJECT,
    TEXT,
    WrongTypeError,
    about,
    by_name,
    many,
    optional,
    part,
    read_object,
    refusal,
    stored_fields,
    text_or_empty,
    written_object,
)
from foresight_harness.contracts.records.parts import UNTRAINED, Axes, LoadedModel, ModuleSize


def renaming(names: Mapping[str, str]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """An upgrade that gives fields other names: old -> new."""
    return lambda content: {names.get(key, key): value for key, value in content.items()}


SCHEMA = 1
"""Version of every file of a run folder (and of baselines and gate files), written into each of them."""
HISTORY: Mapping[int, str] = {1: "first"}
"""Schema -> what it brought. Within one fields are only added; a renamed or removed field makes a new one."""
UPGRADES: Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""Schema -> what turns a line of it into one of the next: ``renaming({...})``; nothing where fields were added."""

REFUSED = "refused"
"""``Record.admission`` of what must not be ranked."""
TRAINED_PARTS = ("extractor", "enhancer", "fusion", "adapter")
_TEXT, _COUNT, _NUMBER = optional(TEXT), optional(COUNT), optional(NUMBER)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One number, or one cell that has none. Fields stand in the order of a line."""

    schema: int = field(default=SCHEMA, metadata=about(COUNT, "version of the line", lasting=False))
    run: str = field(default="", metadata=about(TEXT, "id of the run", lasting=False))
    cell: str = field(metadata=about(TEXT, "id of the cell, 16 hex digits: names its sample file and its media"))
    candidate: str = field(metadata=about(TEXT, "the candidate string: `streams/enhancer/fusion/decoder`"))
    axes: Axes = field(metadata=about(part(Axes, Axes.as_json), "the candidate's choices, by themselves"))
    role: str = field(
        metadata=about(TEXT, "`candidate`, `floor`, `ceiling` (controls and reference rows), `twin` (random weights)")
    )
    suite: str = field(metadata=about(TEXT, "`spatial`, `reconstruction`, `alignment`, `efficiency`, ..."))
    dataset: str = field(metadata=about(TEXT, "as its spec is named"))
    split: str = field(default="test", metadata=about(TEXT, "whose samples were scored"))
    fingerprint: str | None = field(default=None, metadata=about(_TEXT, "of the split's content"))
    protocol: str | None = field(
        default=None, metadata=about(_TEXT, "digest; only records of equal digest are ranked together")
    )
    provenance: tuple[LoadedModel, ...] = field(
        default=(), metadata=about(many(part(LoadedModel, LoadedModel.as_json)), "one object a model")
    )
    dtype: str = field(default="", metadata=about(TEXT, "that models ran in"))
    device: str = field(default="", metadata=about(TEXT, "that they ran on"))
    attention: str | None = field(default=None, metadata=about(_TEXT, "implementation, one a stream where they differ"))
    wall_s: float | None = field(default=None, metadata=about(_NUMBER, "of the whole cell", unit="s", lasting=False))
    params: Mapping[str, int] | None = field(
        default=None,
        metadata=about(
            optional(by_name(COUNT)), "by part: `encoder`, `extractor`, `enhancer`, `fusion`, `adapter`, `decoder`"
        ),
    )
    modules: tuple[ModuleSize, ...] | None = field(
        default=None,
        metadata=about(optional(many(part(ModuleSize))), "one object a trained enhancer or fusion and width"),
    )
    tokens: tuple[int, ...] | None = field(
        default=None,
        metadata=about(optional(many(COUNT)), "tokens that each stream makes of a square picture, by its strides"),
    )
    samples_digest: str | None = field(
        default=None,
        metadata=about(_TEXT, "of the rows of the cell's sample file, to the last bit: 16 hex digits", lasting=False),
    )
    tokens_digest: str | None = field(
        default=None,
        metadata=about(_TEXT, "of the tokens that the cell kept, to the last bit: 16 hex digits", lasting=False),
    )
    of_cell: int | None = field(default=None, metadata=about(_COUNT, "records that the cell has in all"))
    status: str = field(metadata=about(TEXT, "`ok`, `failed`, `oom`, `unavailable`"))
    error: str | None = field(default=None, metadata=about(_TEXT, "why there is no number, in one line"))
    trace: str | None = field(
        default=None, metadata=about(_TEXT, "end of the traceback; only where the cell failed", lasting=False)
    )
    metric: str = field(
        metadata=about(
            text_or_empty(), "`iou`, `map50`, `lpips`, `cka`, `latency_p50_ms`, ...; null where the cell failed"
        )
    )
    probe: str | None = field(default=None, metadata=about(_TEXT, "that the score belongs to"))
    value: float | None = field(metadata=about(_NUMBER, "the number; null where it is undefined", unit="`unit`"))
    unit: str = field(default="", metadata=about(TEXT, "of value, interval, floor and ceiling"))
    direction: str = field(default="", metadata=about(TEXT, "`higher` or `lower` is better; `none` for a fact"))
    range: tuple[float | None, ...] = field(
        default=(None, None), metadata=about(many(_NUMBER, 2), "least and most that there can be", unit="`unit`")
    )
    n: int = field(default=0, metadata=about(COUNT, "samples behind the number"))
    ci_low: float | None = field(default=None, metadata=about(_NUMBER, "lower end of the 95 % interval", unit="`unit`"))
    ci_high: float | None = field(default=None, metadata=about(_NUMBER, "upper end", unit="`unit`"))
    ci_method: str | None = field(default=None, metadata=about(_TEXT, "`cluster_bootstrap_percentile`, ..."))
    floor: float | None = field(
        default=None, metadata=about(_NUMBER, "of this metric on this data set in this run", unit="`unit`")
    )
    floor_by: str | None = field(default=None, metadata=about(_TEXT, "which row says so: `mean_box`, `mean_picture`"))
    ceiling: float | None = field(default=None, metadata=about(_NUMBER, "likewise", unit="`unit`"))
    ceiling_by: str | None = field(default=None, metadata=about(_TEXT, "`oracle`, `round_trip`, ..."))
    null: Mapping[str, float] | None = field(
        default=None, metadata=about(optional(by_name(NUMBER)), "`{mean, p95, permutations, p}` of a permutation null")
    )
    seeds: tuple[int, ...] = field(default=(), metadata=about(many(COUNT), "that were trained with"))
    per_sample: str | None = field(
        default=None,
        metadata=about(
            _TEXT, "what the sample file holds of it: `values`, `stats` (of a corpus metric); null: of the whole split"
        ),
    )
    resamples: int | None = field(default=None, metadata=about(_COUNT, "bootstrap resamples behind the interval"))
    admission: str | None = field(
        default=None,
        metadata=about(
            _TEXT,
            "of the encoders: `admitted`, `refused` (shown, not ranked, never gated on), `not checked`; null for the "
            "harness's own controls, and in older runs",
        ),
    )
    admission_reason: str | None = field(
        default=None, metadata=about(_TEXT, "why, and which single checks could not be made, in one line")
    )
    gateable: bool = field(
        default=False, metadata=about(FLAG, "false where weights are random or nano, or the metric says so")
    )
    controls_ok: bool | None = field(
        default=None,
        metadata=about(
            optional(FLAG), "false where a control of this suite, data set and probe left its known range: not ranked"
        ),
    )
    details: Mapping[str, Any] = field(
        default_factory=dict,
        metadata=about(
            OBJECT,
            "free: stage latencies, `fit` (see [fitting](fitting.md): `loss`, `loss_first`, `loss_last`, `loss_ratio`, "
            "`loss_constant`, `first_batch_before`, `first_batch_after`, `plateau`, `grad_norm`, `grad_norms` by part, "
            "`steps`, `phase`, `earlier`), threshold, notes",
        ),
    )
    further: Mapping[str, Any] = field(default_factory=dict)
    """What a line held beside, by its name: fields that a newer version of this schema added."""

    @property
    def ok(self) -> bool:
        """Whether the cell was scored."""
        return self.status == "ok"

    @property
    def is_candidate(self) -> bool:
        """Whether it is of something that can be the best; controls and reference rows are not."""
        return self.role == "candidate"

    @property
    def distrusted(self) -> bool:
        """Whether a control left its known range, so that the number must not be ranked."""
        return self.controls_ok is False

    @property
    def refused(self) -> bool:
        """Whether an encoder behind it was refused, so that the number is shown and not ranked."""
        return self.admission == REFUSED

    @property
    def believed(self) -> bool:
        """Whether conclusions may be drawn from it: no control left its range, and no encoder behind it was refused."""
        return not (self.distrusted or self.refused)

    @property
    def number(self) -> float:
        """The value where one is known to be there. Raises: RunFolderError."""
        if self.value is None:
            raise RunFolderError(f"{self.metric} of {self.candidate} on {self.dataset} has no value")
        return self.value

    @property
    def weights(self) -> tuple[str, ...]:
        """Kinds of the weights behind it, sorted; models without any are left out."""
        return tuple(sorted({model.kind for model in self.provenance} - {"none"}))

    @property
    def untrained(self) -> bool:
        """Whether weights behind it are random or nano: it says nothing about trained models."""
        return any(kind in UNTRAINED for kind in self.weights)

    @property
    def reads_decoder(self) -> bool:
        """Whether the decoder had a part in the number."""
        return any(model.part == "decoder" for model in self.provenance)

    @property
    def trained_params(self) -> int | None:
        """Parameters of the parts that are fitted; None where they were not counted."""
        return sum(self.params.get(name) or 0 for name in TRAINED_PARTS) if self.params else None

    def lasting(self) -> dict[str, Any]:
        """The line without what may differ between two undisturbed runs of one plan."""
        volatile = {key for _, told, key in stored_fields(Record) if not told.lasting}
        return {key: value for key, value in write(self).items() if key not in volatile}


_NAMES = tuple(told.name for told, _, _ in stored_fields(Record))
_CONTEXT = _NAMES[: _NAMES.index("params")]
_OF_NUMBER = tuple(name for name in _NAMES if name != "trace")
_OF_FAILURE = (
    *_CONTEXT,
    "admission",
    "admission_reason",
    "metric",
    "value",
    "status",
    "error",
    "trace",
    "of_cell",
    "details",
)
"""What a line holds of a cell without a number, in its order."""


def write(record: Record) -> dict[str, Any]:
    """The JSON object of a record, in the order of a line: a cell that failed holds no fields of a number."""
    return written_object(record, _OF_NUMBER if record.metric else _OF_FAILURE)


def line_of(record: Record) -> str:
    """The line of ``records.jsonl``, without its end. Raises: ValueError where a number is not finite."""
    return json.dumps(write(record), allow_nan=False)


def check_schema(found: object, where: str) -> int:
    """Refuse what a newer version wrote. Raises: RunFolderError."""
    if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= SCHEMA:
        raise RunFolderError(f"{where} has schema {found!r:.40}; this version reads up to {SCHEMA}")
    return found


def upgrade(content: Mapping[str, Any], where: str = "the record") -> dict[str, Any]:
    """A line of any schema up to this one as a line of this one. Raises: RunFolderError."""
    done = dict(content)
    for schema in range(check_schema(content.get("schema"), where), SCHEMA):
        done = UPGRADES.get(schema, dict)(done)
    return done | {"schema": SCHEMA}


def parse(content: Mapping[str, Any], where: str = "the record") -> Record:
    """Read a line, older ones too; ``where`` names it in errors.

    Raises:
        RunFolderError: in one line: a newer schema, or a field that is missing or of another type.
    """
    if not isinstance(content, Mapping):
        raise RunFolderError(f"{where} is {content!r:.60}, wanted is an object; the file was damaged")
    try:
        return read_object(Record, upgrade(content, where))
    except WrongTypeError as error:
        raise refusal(where, error) from error
