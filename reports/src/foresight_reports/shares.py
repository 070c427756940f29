"""How far a number is on the way from its floor to its ceiling, and why no share is given where it is not on it."""

from __future__ import annotations

from foresight_reports import metrics
from foresight_reports.records import Record


def share_of_range(record: Record) -> float | None:
    """How far a value is on the way from floor to ceiling, 0 to 1; None where it is not on that way."""
    if record.value is None or record.floor is None or record.ceiling is None or off_the_way(record):
        return None
    return (record.value - record.floor) / (record.ceiling - record.floor)


def off_the_way(record: Record) -> str:
    """Why no share of the way is given; empty where the value lies between its floor and its ceiling, or has none."""
    value, floor, ceiling, direction = record.value, record.floor, record.ceiling, record.direction
    if value is None or floor is None or ceiling is None:
        return ""
    below, above = record.floor_by or "an answer without features", record.ceiling_by or "ceiling"
    if direction not in metrics.MARKS:
        direction = "higher" if ceiling > floor else "lower"
    if not metrics.better(direction, ceiling, floor):
        return f"its ceiling {above} is no better than {below}, so no share of the way is given"
    if metrics.better(direction, floor, value):
        return f"it is worse than {below}, which sees no features"
    if metrics.better(direction, value, ceiling):
        return f"it lies above its ceiling {above}, which is then no bound"
    return ""
