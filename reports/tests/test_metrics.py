"""How numbers are written."""

from __future__ import annotations

import pytest
from foresight_reports import metrics


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (0.41234, "ratio", "0.412"),
        (-0.5, "ratio", "−0.500"),
        (0.0, "ratio", "0.000"),
        (0.00042, "ratio", "4.2e−04"),
        (12.345, "ms", "12.3"),
        (1.234, "ms", "1.23"),
        (1234.5, "ms", "1,234"),
        (22.456, "dB", "22.46"),
        (86_600_000, "parameters", "86.6 M"),
        (34_000_000, "parameters", "34.0 M"),
        (304_000_000, "parameters", "304 M"),
        (None, "ms", "—"),
    ],
)
def test_a_number_is_written_with_the_digits_that_carry(value: float | None, unit: str, written: str) -> None:
    assert metrics.write(value, unit) == written


def test_an_interval_with_a_minus_uses_a_word_and_not_a_dash() -> None:
    assert metrics.span(0.1, 0.2) == "0.100–0.200"
    assert metrics.span(-0.1, 0.2) == "−0.100 to 0.200"
    assert metrics.span(None, 0.2) == ""


def test_a_fact_is_never_better() -> None:
    assert metrics.better("higher", 2.0, 1.0)
    assert metrics.better("lower", 1.0, 2.0)
    assert not metrics.better("none", 1.0, 2.0)
