"""The card of an exported fit: what it is, what it scored, where it comes from, what it must not be used for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.records import Record
from foresight_harness.contracts.records.parts import LoadedModel
from foresight_harness.contracts.records.record import REFUSED
from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.judging.comparison.safe_text import markdown_text
from foresight_harness.parts.weights.formats import BITS
from foresight_harness.planning.registry import Registry
from foresight_harness.running.run_folder.run_data import RunData

KINDS: Mapping[str, str] = {
    "latents": "latents of the decoder, normalised as it normalises them, channels last",
    "adapted": "what the decoder's own sampler is conditioned by",
    "coverage": "share of each cell that objects cover, in the last temporal slot",
}
USAGE = """\
```python
from load import load

conditioner = load(".", "{part}")
out = conditioner({tokens})  # token grids [B, frames, rows, columns, channels], float32
```

Needs torch and safetensors, nothing else. `python load.py` runs the example beside the weights. A program is code: load
exports only of people you trust; `load` holds every file against `config.json`. Written by torch {torch}; an older one
may not read it.
"""


def card(data: RunData, content: Mapping[str, Any], registry: Registry) -> str:
    """``README.md``: front matter, then sections. Texts from outside are escaped.

    Args:
        data: The run.
        content: What ``config.json`` says.
        registry: For licences of parts.
    """
    records = [one for one in data.records if one.candidate == content["candidate"] and one.value is not None]
    models = {(model.part, model.name): model for record in records for model in record.provenance}
    lines = [
        *_front(data, content, list(models.values())),
        f"# {_text(content['candidate'])}",
        "",
        "What was fitted between a frozen encoder and a frozen decoder in a run of the Foresight harness, as a program "
        "of torch operations with its weights.",
        "",
        *_parts(content),
        "## Scores",
        "",
        *_scores(records),
        "## Protocol",
        "",
        *_protocol(content),
        "## Where it comes from",
        "",
        *_provenance(data, content, list(models.values()), registry),
        "## What it must not be used for",
        "",
        *_limits(data, content, records, list(models.values())),
    ]
    return "\n".join(lines) + "\n"


def _front(data: RunData, content: Mapping[str, Any], models: Sequence[LoadedModel]) -> Iterator[str]:
    """YAML, every text quoted as JSON, which YAML reads."""
    repos = list(dict.fromkeys(model.repo for model in models if model.repo))
    datasets = list(dict.fromkeys(one["dataset"] for one in content["parts"].values()))
    fields: dict[str, Any] = {
        "library_name": "pytorch",
        "license": "other",
        "license_name": "see the table of licences below",
        "tags": ["foresight-harness", "conditioning-adapter", *sorted({model.kind for model in models})],
        "datasets": [one_line(without_secrets(name)) for name in datasets],
        **({"base_model": [one_line(repo) for repo in repos]} if repos else {}),
        "foresight": {
            "candidate": one_line(content["candidate"]),
            "run": one_line(data.path.name),
            "protocols": {name: one["protocol_digest"] for name, one in content["parts"].items()},
        },
    }
    yield "---"
    yield from (f"{name}: {json.dumps(value)}" for name, value in fields.items())
    yield from ("---", "")


def _parts(content: Mapping[str, Any]) -> Iterator[str]:
    for name, one in content["parts"].items():
        output = one["output"]
        yield from (f"## Part `{name}`", "")
        yield from ("| | stream | shape (frames x rows x columns x channels) |", "|---|---|---|")
        for read in one["inputs"]:
            yield f"| in | {_text(read['stream'])} | {' x '.join(map(str, read['shape']))} |"
        if one["clips"]:
            yield f"| in | pictures in \\[0, 1\\] | {' x '.join(map(str, one['clips']))} |"
        yield f"| out | {KINDS[output['kind']]} | {' x '.join(map(str, output['shape']))} |"
        yield ""
        counts = ", ".join(f"{owner} {count:,}" for owner, count in one["params"].items()) or "none"
        yield f"Parameters: {counts}. Fit of seed {one['seed']} on {_text(one['dataset'])}, {one['fit']}."
        if output["kind"] == "coverage":
            level = output["threshold"]
            yield (
                "No threshold found objects better than the constant box."
                if level is None
                else f"Cells above {level:.4g} belong to objects (chosen on the training pictures)."
            )
        elif output["decoder"]:
            yield f"Read by {_text(output['decoder'])}."
        tokens = ", ".join(f"{json.dumps(one_line(read['stream']))}: tokens" for read in one["inputs"])
        yield from ("", USAGE.format(part=name, tokens="{" + tokens.replace("`", "'") + "}", torch=content["torch"]))


def _scores(records: Sequence[Record]) -> Iterator[str]:
    """Every number of the run, with its interval and beside its floor and ceiling."""
    yield "| suite | data | metric | value | 95 % interval | n | floor | ceiling | better |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in records:
        named = f"{one.metric} by {one.probe}" if one.probe else one.metric
        interval = "none" if one.ci_low is None or one.ci_high is None else f"{one.ci_low:.4g} to {one.ci_high:.4g}"
        value = "" if one.value is None else f"{one.value:.4g}"
        if one.unit:
            value += f" {_text(one.unit)}"
        bounds = [("" if bound is None else f"{bound:.4g}") for bound in (one.floor, one.ceiling)]
        row = (_text(one.suite), _text(one.dataset), _text(named), value, interval, str(one.n or ""), *bounds)
        yield f"| {' | '.join(row)} | {_text(one.direction or 'none')} |"
    yield from ("", "Scores are of all seeds of the fit together; exported is one.", "")


def _protocol(content: Mapping[str, Any]) -> Iterator[str]:
    """All choices that decide what the numbers mean; equal in all parts where they stand once."""
    for name, one in content["parts"].items():
        yield from (f"Part `{name}`, digest `{one['protocol_digest']}`:", "", "| choice | value |", "|---|---|")
        for choice, value in one["protocol"].items():
            yield f"| {_text(choice)} | {_text(value if isinstance(value, str) else json.dumps(value))} |"
        yield ""


def _provenance(
    data: RunData, content: Mapping[str, Any], models: Sequence[LoadedModel], registry: Registry
) -> Iterator[str]:
    yield f"Run {_text(data.path.name)}; versions of every library stand in `config.json`."
    yield from ("", "| part | name | weights | from | sha256 | licence |", "|---|---|---|---|---|---|")
    for model in models:
        origin = model.repo or ("" if model.seed is None else f"seed {model.seed}")
        revision = f"@{model.revision}" if model.repo and model.revision else ""
        licence = _licence(registry, model)
        kind = model.kind if model.quantize is None else f"{model.kind}, {BITS.get(model.quantize, model.quantize)}"
        row = (model.part, model.name, kind, f"{origin}{revision}", model.sha256 or "", licence)
        yield f"| {' | '.join(map(_text, row))} |"
    known = {str(one.get("name")): one for one in data.manifest.get("datasets") or () if isinstance(one, Mapping)}
    for name in dict.fromkeys(one["protocol"].get("dataset", one["dataset"]) for one in content["parts"].values()):
        own = known.get(str(name), {})
        row = ("data", str(name), "", "", str(own.get("fingerprint") or ""), str(own.get("license") or "not stated"))
        yield f"| {' | '.join(map(_text, row))} |"
    yield ""


def _licence(registry: Registry, model: LoadedModel) -> str:
    """Of the weights, as their spec states it; random ones have none."""
    if model.kind in ("random", "none"):
        return "no weights of others"
    try:
        spec = registry.encoder(model.name) if model.part == "encoder" else registry.decoder(model.name)
    except CandidateError:
        return "not stated"
    return spec.license or "not stated"


def _limits(
    data: RunData, content: Mapping[str, Any], records: Sequence[Record], models: Sequence[LoadedModel]
) -> Iterator[str]:
    """Sentences that follow from the records; those that hold for every export last."""
    untrained = [model for model in models if model.kind in ("random", "nano")]
    for model in untrained:
        what = "random" if model.kind == "random" else "nano (trained by a script of the harness)"
        yield f"- {_text(model.name)} has {what} weights: nothing here says what the published model can do."
    refused = dict.fromkeys(one.admission_reason or "" for one in records if one.admission == REFUSED)
    for reason in refused:
        yield f"- An encoder was refused before ranking ({_text(reason)}): its scores rank nothing."
    if any(one.controls_ok is False for one in records):
        yield "- Controls were out of their known range: scores of that suite measure the probe, not the encoder."
    if records and not any(one.gateable for one in records):
        yield "- No score of this run may pass a gate (weights that are not known as published, or controls)."
    data_sets = ", ".join(dict.fromkeys(_text(one.dataset) for one in records)) or "nothing"
    streams = {read["stream"] for one in content["parts"].values() for read in one["inputs"]}
    yield f"- Scores were measured on {data_sets}; of other pictures nothing is known."
    yield (
        f"- It reads {', '.join(_text(name) for name in sorted(streams))} on the grids above, after the run's own "
        "preprocessing; tokens of other layers, sizes or checkpoints may fit its shapes and mean something else."
    )
    yield "- It is a measuring instrument of features: no decision about people rests on what it finds or draws."


def _text(value: object) -> str:
    return markdown_text(one_line(without_secrets(str(value))))
