"""What a gate file may say: each key, bound and name checked against what can be measured."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.gates.gate import COUNTS, PEOPLE, VERDICTS, Condition, Gate, Needs, Outcome, Rule
from foresight_harness.judging.gates.needs import needs_of
from foresight_harness.judging.gates.vocabulary import CONVERSIONS, Fact, Vocabulary
from foresight_harness.planning.registry.registry import nearest

GATE_KEYS = {
    *("schema", "title", "document", "section", "decision", "subject", "scope", "candidates", "decides", "matrix"),
    *("family", "rule", "outcome", "comment", "needs"),
}
RULE_KEYS = {
    *("id", "label", "quote", "line", "measured_by", "ask", "counted", "people", "needs", "metric", "probe", "dataset"),
    *("suite", "unit", "variant"),
    *("direction", "bound", "target", "marginal", "candidates", "compare", "reference", "weight", "comment"),
    *("trained_at_least", "trained_at_most"),
}
OUTCOME_KEYS = {"action", "verdict", "line", "when", "comment"}


class Checker:
    """Checks one file; every complaint names file and rule."""

    def __init__(self, path: str, vocabulary: Vocabulary) -> None:
        self.path, self.vocabulary = path, vocabulary
        self.where = f"gate {path}"

    def fail(self, message: str) -> UsageError:
        return UsageError(f"{self.where}: {message}")

    def gate(self, name: str, raw: bytes, content: Mapping[str, Any]) -> Gate:
        self.keys(content, GATE_KEYS, {"schema", "title", "document", "section", "rule"})
        if not isinstance(content["schema"], int) or content["schema"] > SCHEMA:
            raise self.fail(f"schema {content['schema']!r}; this version reads up to {SCHEMA}")
        needs = needs_of(self, content.get("needs"), Needs())
        rules = tuple(self.rule(number, entry, needs) for number, entry in enumerate(content["rule"], start=1))
        self.where = f"gate {self.path}"
        ids = [rule.id for rule in rules]
        if len(set(ids)) < len(ids):
            raise self.fail(f"two rules have one id in {', '.join(ids)}")
        decides = self.known(content.get("decides", ids), ids, "decides")
        outcomes = tuple(self.outcome(number, entry, ids) for number, entry in enumerate(content.get("outcome", []), 1))
        self.where = f"gate {self.path}"
        return Gate(
            name=name,
            title=self.text(content, "title"),
            document=self.text(content, "document"),
            section=self.text(content, "section"),
            rules=rules,
            digest=hashlib.sha256(raw).hexdigest()[:16],
            text=raw.decode(),
            decision=content.get("decision", ""),
            subject=self.one_of(content, "subject", ("candidate", "rule")),
            scope=self.one_of(content, "scope", ("any", "each")),
            family=self.flag(content, "family"),
            candidates=self.names(content, "candidates", ("*",)),
            decides=decides,
            outcomes=outcomes,
            matrix=content.get("matrix", ""),
            needs=needs,
        )

    def rule(self, number: int, entry: Mapping[str, Any], needs: Needs) -> Rule:
        self.where = f"gate {self.path}, rule {entry.get('id', number)!r}"
        self.keys(entry, RULE_KEYS, {"id", "quote", "line"})
        shared: dict[str, Any] = {
            "id": self.text(entry, "id"),
            "label": entry.get("label", entry["id"]),
            "quote": self.text(entry, "quote"),
            "line": entry["line"],
            "candidates": self.names(entry, "candidates", ("*",)),
            "weight": self.number(entry, "weight"),
        }
        if self.one_of(entry, "measured_by", ("harness", "person")) == "person":
            return self.asked(entry, needs, shared)
        fact = self.metric(entry)
        compare = self.one_of(entry, "compare", ("", "difference", "ratio"))
        reference = self.names(entry, "reference", ())
        if bool(compare) != bool(reference):
            raise self.fail("'compare' and 'reference' go together")
        bounds = self.bounds(entry, fact, compare)
        return Rule(
            suite=entry["suite"],
            metric=entry["metric"],
            probe=entry.get("probe"),
            dataset=entry.get("dataset"),
            fact=fact,
            needs=needs_of(self, entry.get("needs"), needs),
            variant=entry.get("variant", ""),
            compare=compare,  # type: ignore[arg-type]
            reference=reference,
            trained_at_least=self.number(entry, "trained_at_least"),
            trained_at_most=self.number(entry, "trained_at_most"),
            **bounds,
            **shared,
        )

    def asked(self, entry: Mapping[str, Any], needs: Needs, shared: Mapping[str, Any]) -> Rule:
        """A rule that a person answers: yes or no, or a number where the document gives a bound."""
        old = entry.get("needs")  # what 'ask' was called
        ask = entry.get("ask") or (old if isinstance(old, str) else "")
        if not ask:
            raise self.fail("measured_by = 'person' needs 'ask': what that person must do")
        own = None if isinstance(old, str) else old
        rule = Rule(measured_by="person", ask=ask, needs=needs_of(self, own, needs), **shared)
        people = self.one_of(entry, "people", PEOPLE)
        if people and not entry.get("counted"):
            raise self.fail(f"people = {people!r} asks for a share of things: a 'bound', and counted = true")
        if "bound" not in entry:
            return rule
        direction, counted = entry.get("direction"), entry.get("counted", False)
        if direction not in ("higher", "lower") or not isinstance(counted, bool):
            raise self.fail(
                f"direction {direction!r}: 'higher' or 'lower', beside a 'bound'; 'counted' is true or false"
            )
        ends = {"%": (0.0, 100.0), "ratio": (-1.0, 1.0)}.get(self.text(entry, "unit"), (None, None))
        if counted and entry["unit"] != "%":
            raise self.fail("'counted' is about a share, so its unit is '%'")
        fact = Fact(entry["unit"], direction, ends, exact=not counted)
        return replace(rule, fact=fact, counted=counted, people=people, **self.limits(entry, 1.0, fact, ""))

    def metric(self, entry: Mapping[str, Any]) -> Fact:
        suite, suites, probes = entry.get("suite"), self.vocabulary.suites, self.vocabulary.probes
        if not isinstance(suite, str) or suite not in suites:
            found = "no 'suite'" if suite is None else f"unknown suite {suite!r}{nearest(str(suite), suites)}"
            raise self.fail(f"{found}; there are {', '.join(suites)}")
        known = suites[suite]
        name = entry.get("metric")
        if not isinstance(name, str) or name not in known:
            found = "no 'metric'" if name is None else f"unknown metric {name!r} of suite {suite}"
            raise self.fail(f"{found}{nearest(str(name), known)}")
        if suite in self.vocabulary.probed and entry.get("probe") not in probes:
            raise self.fail(
                f"probe {entry.get('probe')!r}: a {suite} score names its probe, one of {', '.join(probes)}"
            )
        return known[name]

    def bounds(self, entry: Mapping[str, Any], fact: Fact, compare: str) -> dict[str, Any]:
        unit = entry.get("unit")
        wanted = "times" if compare == "ratio" else fact.unit
        factor = 1.0 if unit == wanted else CONVERSIONS.get((str(unit), wanted))
        if factor is None:
            found = (
                f"unknown unit {unit!r}"
                if unit not in self.vocabulary.units()
                else f"unit {unit!r} is not that of {entry['metric']}"
            )
            raise self.fail(f"{found}; write it in {wanted!r}")
        direction = entry.get("direction")
        if direction != fact.direction:
            raise self.fail(f"direction {direction!r}: of {entry['metric']}, {fact.direction} is better")
        return self.limits(entry, factor, fact, compare)

    def limits(self, entry: Mapping[str, Any], factor: float, fact: Fact, compare: str) -> dict[str, Any]:
        """Bound, target and band in the metric's own unit."""
        direction = entry["direction"]
        bound = self.number(entry, "bound")
        if bound is None:
            raise self.fail("no 'bound'")
        bound *= factor
        self.in_range(bound, fact, compare)
        sign = 1.0 if direction == "higher" else -1.0
        target = self.number(entry, "target")
        if target is not None:
            target *= factor
            self.in_range(target, fact, compare)
            if sign * target < sign * bound:
                raise self.fail(f"target {target:g} is worse than the bound {bound:g}")
        return {
            "direction": direction,
            "bound": bound,
            "target": target,
            "marginal": self.band(entry, bound, factor, sign),
        }

    def band(self, entry: Mapping[str, Any], bound: float, factor: float, sign: float) -> tuple[float, float] | None:
        given = entry.get("marginal")
        if given is None:
            return None
        if not (isinstance(given, list) and len(given) == 2 and all(_is_number(end) for end in given)):
            raise self.fail(f"marginal {given!r}: two numbers, lower first")
        low, high = given[0] * factor, given[1] * factor
        good = high if sign > 0 else low
        if not low < high or not math.isclose(good, bound):
            raise self.fail(f"marginal {given!r}: a band lies on the bad side of its bound {bound:g} and touches it")
        return low, high

    def in_range(self, value: float, fact: Fact, compare: str) -> None:
        low, high = fact.range
        if compare == "ratio":
            low, high = 0.0, None
        elif compare == "difference":
            low, high = (-(high - low), high - low) if low is not None and high is not None else (None, None)
        if (low is not None and value < low) or (high is not None and value > high):
            ends = ["-inf" if low is None else f"{low:g}", "inf" if high is None else f"{high:g}"]
            raise self.fail(f"bound {value:g} lies outside the metric's range [{', '.join(ends)}]")

    def outcome(self, number: int, entry: Mapping[str, Any], ids: Sequence[str]) -> Outcome:
        self.where = f"gate {self.path}, outcome {number}"
        self.keys(entry, OUTCOME_KEYS, {"action", "verdict", "line", "when"})
        conditions = []
        for when in entry["when"]:
            self.keys(when, {"rules", "verdicts", "candidates"}, {"rules", "verdicts"})
            rules = self.known(when["rules"], ids, "rules")
            verdicts = self.known(when["verdicts"], VERDICTS, "verdicts")
            conditions.append(Condition(rules, verdicts, self.one_of(when, "candidates", COUNTS)))
        verdict = self.one_of(entry, "verdict", VERDICTS)
        return Outcome(self.text(entry, "action"), verdict, entry["line"], tuple(conditions))

    def keys(self, entry: Any, allowed: set[str], needed: set[str]) -> None:
        if not isinstance(entry, dict):
            raise self.fail(f"{entry!r:.60} is no table")
        if unknown := sorted(set(entry) - allowed):
            raise self.fail(f"unknown key {unknown[0]!r}{nearest(unknown[0], sorted(allowed))}")
        if missing := sorted(needed - set(entry)):
            raise self.fail(f"no {missing[0]!r}")
        if "line" in entry and (type(entry["line"]) is not int or entry["line"] < 1):
            raise self.fail(f"line {entry['line']!r}: a line of the document, from 1")

    def text(self, entry: Mapping[str, Any], key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value:
            raise self.fail(f"{key} {value!r}: a text is wanted")
        return value

    def number(self, entry: Mapping[str, Any], key: str) -> float | None:
        value = entry.get(key)
        if value is None:
            return None
        if not _is_number(value):
            raise self.fail(f"{key} {value!r}: a finite number is wanted")
        return float(value)

    def names(self, entry: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = entry.get(key)
        if value is None:
            return default
        if not (isinstance(value, list) and value and all(isinstance(item, str) and item for item in value)):
            raise self.fail(f"{key} must be a list of globs")
        return tuple(value)

    def one_of(self, entry: Mapping[str, Any], key: str, choices: Sequence[str]) -> Any:
        value = entry.get(key, choices[0])
        if value not in choices:
            raise self.fail(f"{key} {value!r}: one of {', '.join(map(repr, choices))}")
        return value

    def flag(self, entry: Mapping[str, Any], key: str) -> bool:
        value = entry.get(key, False)
        if not isinstance(value, bool):
            raise self.fail(f"{key} {value!r}: true or false")
        return value

    def known(self, given: Any, choices: Sequence[str], key: str) -> tuple[str, ...]:
        if not isinstance(given, list) or not given:
            raise self.fail(f"{key} must be a list")
        for name in given:
            if name not in choices:
                raise self.fail(f"{key} names {name!r}; there are {', '.join(choices)}")
        return tuple(given)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
