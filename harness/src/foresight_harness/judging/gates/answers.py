"""What only people can know: their answers, read from one file and checked; who said it, when, on what evidence."""

from __future__ import annotations

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.gates.gate import Gate, Rule
from foresight_harness.judging.gates.panel import KEYS as PANEL_KEYS
from foresight_harness.judging.gates.panel import Panel, panel_of
from foresight_harness.planning.registry.registry import nearest

NEEDED = {"gate", "rule", "value", "who", "when", "evidence"}
KEYS = NEEDED | {"n"} | PANEL_KEYS


@dataclass(frozen=True)
class Answer:
    """What one person says of one rule."""

    gate: str
    rule: str
    value: bool | float
    n: int | None
    """Things that were counted, where the value is a share of them."""
    who: str
    when: str
    """ISO date."""
    evidence: str
    panel: Panel | None = None
    """Of several people who answered pages of pairs; None where one person speaks for all that was measured."""

    @property
    def source(self) -> str:
        """Who, when and on what evidence, for a reader."""
        return f"answered by {self.who} on {self.when}: {self.evidence}"


@dataclass(frozen=True)
class Answers:
    """A file of answers."""

    path: str = ""
    digest: str = ""
    """First 16 hex digits of the sha256 of the file."""
    raw: bytes = b""
    """The file."""
    by_rule: Mapping[tuple[str, str], tuple[Answer, ...]] = field(default_factory=dict)

    def of(self, gate: str, rule: str) -> tuple[Answer, ...]:
        """The answers to a rule of a gate: one of a person, one of a panel a candidate and data set."""
        return self.by_rule.get((gate, rule), ())

    @property
    def count(self) -> int:
        """Answers that stand in the file."""
        return sum(map(len, self.by_rule.values()))


NO_ANSWERS = Answers()


def read_answers(path: Path, gates: Sequence[Gate], *, of_others: bool = False) -> Answers:
    """Read and check a file of answers.

    Args:
        path: TOML with one table ``[[answer]]`` a rule.
        gates: Every gate that the file may speak of.
        of_others: Whether it may speak of other gates too, whose answers are passed over.

    Raises:
        UsageError: in one line, naming the file, the answer and what is wrong.
    """
    try:
        raw = path.read_bytes()
        content = tomllib.loads(raw.decode())
    except OSError as error:
        raise UsageError(f"answers {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"answers {path} is not valid TOML: {' '.join(str(error).split())}") from error
    schema, entries = content.get("schema"), content.get("answer", [])
    if type(schema) is not int or schema > SCHEMA:
        raise UsageError(f"answers {path}: schema {schema!r}; this version reads up to {SCHEMA}")
    if unknown := sorted(set(content) - {"schema", "answer"}):
        raise UsageError(f"answers {path}: unknown key {unknown[0]!r}; answers stand in tables [[answer]]")
    if not isinstance(entries, list):
        raise UsageError(f"answers {path}: answers stand in tables [[answer]]")
    known = {gate.name: gate for gate in gates}
    found: dict[tuple[str, str], list[Answer]] = {}
    for number, entry in enumerate(entries, start=1):
        if of_others and isinstance(entry, dict) and entry.get("gate") not in known:
            continue
        answer = _answer(f"answers {path}, answer {number}", entry, known)
        others = found.setdefault((answer.gate, answer.rule), [])
        if any(about(other) == about(answer) for other in others):
            raise UsageError(f"answers {path}, answer {number}: {answer.gate} {answer.rule} is answered twice")
        others.append(answer)
    by_rule = {rule: tuple(given) for rule, given in found.items()}
    return Answers(str(path), hashlib.sha256(raw).hexdigest()[:16], raw, by_rule)


def about(answer: Answer) -> tuple[str, str, str] | None:
    """What a panel was asked about; None where a person speaks for all that was measured."""
    return None if answer.panel is None else (answer.panel.run, answer.panel.candidate, answer.panel.dataset)


def _answer(where: str, entry: Any, gates: Mapping[str, Gate]) -> Answer:
    if not isinstance(entry, dict):
        raise UsageError(f"{where}: {entry!r:.60} is no table")
    if unknown := sorted(set(entry) - KEYS):
        raise UsageError(f"{where}: unknown key {unknown[0]!r}{nearest(unknown[0], sorted(KEYS))}")
    if absent := sorted(NEEDED - set(entry)):
        raise UsageError(f"{where}: no {absent[0]!r}; every answer says gate, rule, value, who, when and evidence")
    rule = _rule(where, entry, gates)
    return Answer(
        gate=entry["gate"],
        rule=rule.id,
        value=_value(where, entry["value"], rule),
        n=_count(where, entry.get("n"), rule),
        who=_text(where, entry, "who"),
        when=_day(where, entry["when"]),
        evidence=_text(where, entry, "evidence"),
        panel=panel_of(where, entry, rule),
    )


def _rule(where: str, entry: Mapping[str, Any], gates: Mapping[str, Gate]) -> Rule:
    name, identity = _text(where, entry, "gate"), _text(where, entry, "rule")
    if name not in gates:
        raise UsageError(f"{where}: no gate {name!r}{nearest(name, sorted(gates))}")
    rules = {rule.id: rule for rule in gates[name].rules}
    if identity not in rules:
        raise UsageError(f"{where}: gate {name} has no rule {identity!r}{nearest(identity, sorted(rules))}")
    if not rules[identity].by_person:
        raise UsageError(f"{where}: {name} {identity} is measured by the harness and is not answered by people")
    return rules[identity]


def _value(where: str, value: Any, rule: Rule) -> bool | float:
    if not rule.wants_number:
        if not isinstance(value, bool):
            raise UsageError(f"{where}: value {value!r:.40} of {rule.id}: true or false is wanted")
        return value
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where}: value {value!r:.40} of {rule.id}: a number in {rule.fact.unit} is wanted")
    low, high = rule.fact.range
    if (low is not None and value < low) or (high is not None and value > high):
        raise UsageError(f"{where}: value {value:g} of {rule.id} lies outside its range in {rule.fact.unit}")
    return float(value)


def _count(where: str, n: Any, rule: Rule) -> int | None:
    if n is None and not rule.counted:
        return None
    if type(n) is not int or n < 1:
        raise UsageError(f"{where}: n {n!r:.40} of {rule.id}: how many were counted, a whole number from 1")
    return n


def _day(where: str, when: Any) -> str:
    if isinstance(when, datetime):
        when = when.date()
    try:
        day = when if isinstance(when, date) else date.fromisoformat(when)
    except (TypeError, ValueError):
        raise UsageError(f"{where}: when {when!r:.40}: a day is wanted, such as 2026-03-01") from None
    return day.isoformat()


def _text(where: str, entry: Mapping[str, Any], key: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{where}: {key} {value!r:.40}: a text is wanted")
    return " ".join(value.split())


def template(gates: Sequence[Gate]) -> str:
    """A file of answers to be filled in: every rule of the gates that a person answers, with what it asks."""
    parts = [
        "# Answers that only people can give. Take the # off the lines of an answer that you give, and fill them in.\n"
        f"schema = {SCHEMA}\n"
    ]
    for gate in gates:
        parts += ["\n".join(_asked(gate, rule)) + "\n" for rule in gate.rules if rule.by_person]
    return "\n".join(parts)


def _asked(gate: Gate, rule: Rule) -> Iterator[str]:
    yield from (
        f"# {gate.title}: {rule.label}",
        f"# {gate.document}:{rule.line}: {rule.quote}",
        f"# To do: {rule.ask}",
    )
    wanted = f"a number in {rule.fact.unit}" if rule.wants_number else "true or false"
    yield from ("#[[answer]]", f'#gate = "{gate.name}"', f'#rule = "{rule.id}"', f"#value =         # {wanted}")
    if rule.counted:
        yield "#n =             # how many were counted"
    yield from ('#who = ""', "#when = 2026-01-31", '#evidence = ""')
