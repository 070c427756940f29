"""Digests of records: equal for equal numbers, whoever computed them, when and how fast."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

VOLATILE = frozenset({"run", "wall_s", "trace", "schema", "samples_digest", "tokens_digest"})
"""Fields that may differ between two undisturbed runs of the same plan."""
TIMED = frozenset({"efficiency"})
"""Suites whose numbers are times."""
DIGITS = 6
"""Significant digits: threads that add in another order move the seventeenth."""


def record_digest(record: Mapping[str, Any]) -> str:
    """sha256 over a record's lasting fields, numbers rounded to six significant digits. 16 hex digits"""
    lasting = {name: _rounded(value) for name, value in record.items() if name not in VOLATILE}
    text = json.dumps(lasting, sort_keys=True, allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def run_digests(records: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Digest by ``cell/metric/probe``, for every record that holds no time."""
    return {
        f"{record['cell']}/{record['metric']}/{record.get('probe')}": record_digest(record)
        for record in records
        if record["suite"] not in TIMED
    }


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}")
    if isinstance(value, Mapping):
        return {name: _rounded(entry) for name, entry in value.items() if not str(name).endswith("_s")}
    if isinstance(value, list | tuple):
        return [_rounded(entry) for entry in value]
    return value
