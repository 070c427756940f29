"""What runs say of their suites: the order of boards, and how metrics are called, ordered and grouped."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

LEVELS = ("read_by", "then_by")
"""Lists of a suite's metrics, the strongest first: those that boards are ordered by, then those next to them."""

Facts = Mapping[str, Any]


@dataclass(frozen=True)
class Suites:
    """Facts by suite, as ``suite_facts`` of ``run.json`` holds them."""

    facts: Mapping[str, Facts]

    def with_run(self, manifest: Mapping[str, Any]) -> Suites:
        """These, with what a run says itself in their place; anything that is no object is left out."""
        told = manifest.get("suite_facts")
        found = told.items() if isinstance(told, Mapping) else ()
        return Suites({**self.facts, **{name: one for name, one in found if isinstance(one, Mapping)}})

    def place(self, suite: str) -> int:
        """Place of a suite's boards among all."""
        return self._order.index(suite) if suite in self._order else len(self._order)

    def timed(self, suite: str) -> bool:
        """Whether a suite's numbers are times, which belong to the machine that took them."""
        return self.facts.get(suite, {}).get("timed") is True

    def label(self, metric: str) -> str:
        """What a reader calls the metric, without its unit; one that no suite names by its own words.

        >>> BEFORE.label("iou_1"), BEFORE.label("psnr_share"), BEFORE.label("time_to_first_token_ms")
        ('IoU, 1 object', 'PSNR, share', 'Time to first token')
        """
        if metric in self._labels:
            return self._labels[metric]
        if metric.endswith("_share"):
            return f"{self.label(metric.removesuffix('_share'))}, share"
        stem, _, objects = metric.rpartition("_")
        if stem in self._labels and objects.isdigit():
            return f"{self._labels[stem]}, {objects} {'object' if objects == '1' else 'objects'}"
        plain = metric
        for suffix in ("_ms", "_mib", "_gib", "_px", "_s"):
            plain = plain.removesuffix(suffix)
        words = plain.replace("_", " ").strip() or metric
        return words[:1].upper() + words[1:]

    def family(self, metric: str) -> str:
        """What a metric tells about, by its name or the beginning of it; empty for one that is not known.

        >>> BEFORE.family("iou_2"), BEFORE.family("lpips_random_trunk_share"), BEFORE.family("mine")
        ('boxes', 'pixels', '')
        """
        while metric and metric not in self._families:
            metric = metric.rpartition("_")[0]
        return self._families.get(metric, "")

    @cached_property
    def families(self) -> tuple[str, ...]:
        """Every family, that of the strongest metrics first."""
        found = [self.family(metric) for metric in (*self._leading, *self._families)]
        return tuple(dict.fromkeys(name for name in found if name))

    def rank_of(self, metric: str) -> tuple[int, str]:
        """Sort key of a metric: what suites are read by first, then by name."""
        return (self._leading.index(metric) if metric in self._leading else len(self._leading), metric)

    def named(self, text: str) -> str:
        """A sentence of the harness with metrics called as in the tables.

        >>> BEFORE.named("cka for decoded_iou on coins")
        'CKA for IoU of decoded objects on coins'
        """
        return self._ids.sub(lambda found: self._labels[found[0]], text)

    @cached_property
    def _order(self) -> list[str]:
        places = {name: one.get("order") for name, one in self.facts.items()}
        known = [name for name, place in places.items() if isinstance(place, int)]
        return sorted(known, key=lambda name: (places[name], name))

    @cached_property
    def _leading(self) -> list[str]:
        """The metrics that suites are read by, suite by suite, then the ones next to them."""
        found = [name for level in LEVELS for suite in self._order for name in _texts(self.facts[suite].get(level))]
        return list(dict.fromkeys(found))

    @cached_property
    def _labels(self) -> dict[str, str]:
        return dict(self._told("label"))

    @cached_property
    def _families(self) -> dict[str, str]:
        return dict(self._told("family"))

    def _told(self, field: str) -> Iterator[tuple[str, str]]:
        """Name and field of every metric that has it; what the first suite says stands."""
        for suite in reversed(self._order):
            for metric in self.facts[suite].get("metrics") or ():
                if isinstance(metric, Mapping) and metric.get(field):
                    yield str(metric.get("name")), str(metric[field])

    @cached_property
    def _ids(self) -> re.Pattern[str]:
        """A metric's id as a word of its own: not a part of another name, of a candidate or of an option."""
        names = "|".join(re.escape(name) for name in sorted(self._labels, key=len, reverse=True))
        return re.compile(rf"(?<![\w@/.:-])({names})(?![\w@/:=-]|\.\w)")


def _texts(value: Any) -> Iterable[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else ()


BEFORE = Suites(json.loads((Path(__file__).parent / "assets" / "suites_of_before.json").read_text(encoding="utf-8")))
"""Of runs of before, which do not say. The file stands still: suites of today say it themselves."""
