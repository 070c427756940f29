"""Gates: thresholds in TOML that turn a run's numbers into GO, NO-GO or an honest "not yet". Imports no torch.

Here is what evidence is judged by. ``evaluate`` and ``measure`` read evidence and are imported by their own names: here
they would close a circle for whoever imports evidence first.
"""

from __future__ import annotations

from foresight_harness.judging.gates.answers import Answers, read_answers
from foresight_harness.judging.gates.deciding import GateResult
from foresight_harness.judging.gates.finding import Finding
from foresight_harness.judging.gates.gate import Condition, Gate, Needs, Outcome, Rule
from foresight_harness.judging.gates.gate_files import find_gates, keep_gates, kept_gates, read_gate
from foresight_harness.judging.gates.verdict import Verdict

__all__ = [
    "Answers",
    "Condition",
    "Finding",
    "Gate",
    "GateResult",
    "Needs",
    "Outcome",
    "Rule",
    "Verdict",
    "find_gates",
    "keep_gates",
    "kept_gates",
    "read_answers",
    "read_gate",
]
