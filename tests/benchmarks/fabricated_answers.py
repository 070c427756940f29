"""Made-up answers of people to everything that gates ask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foresight_harness.judging.gates import Gate


def write_answers(path: Path, gates: Sequence[Gate], *, good: bool = True) -> Path:
    """Answers to everything that a person is asked."""
    lines = ["schema = 1\n"]
    for gate in gates:
        for rule in gate.rules:
            if not rule.by_person:
                continue
            value: Any = "true" if good else "false"
            if rule.wants_number:
                better = good == (rule.direction == "higher")
                top = rule.fact.range[1] if rule.fact.range[1] is not None else 3 * rule.bound
                value = 0.97 * top if better else 0.1 * rule.bound
            lines.append(f'[[answer]]\ngate = "{gate.name}"\nrule = "{rule.id}"\nvalue = {value}\n')
            lines.append("n = 200\n" if rule.counted else "")
            lines.append('who = "R. Eviewer"\nwhen = 2026-02-01\nevidence = "minutes of 1 February, page 3"\n\n')
    path.write_text("".join(lines))
    return path
