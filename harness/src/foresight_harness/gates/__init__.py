"""Gates: thresholds in TOML that turn a run's numbers into GO, NO-GO or an honest "not yet". Imports no torch."""

from __future__ import annotations

from foresight_harness.gates.evaluate import GateResult, evaluate
from foresight_harness.gates.finding import Finding
from foresight_harness.gates.gate import Condition, Gate, Outcome, Rule
from foresight_harness.gates.reading import find_gates, keep_gates, kept_gates, read_gate
from foresight_harness.gates.verdict import Verdict

__all__ = [
    "Condition",
    "Finding",
    "Gate",
    "GateResult",
    "Outcome",
    "Rule",
    "Verdict",
    "evaluate",
    "find_gates",
    "keep_gates",
    "kept_gates",
    "read_gate",
]
