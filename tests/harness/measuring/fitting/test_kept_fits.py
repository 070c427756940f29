from __future__ import annotations

from types import SimpleNamespace

import pytest
from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.fitting.kept_fits import KeptFits


def fit_of(size: int) -> Fitted:
    modules = SimpleNamespace(counts=lambda: {"enhancer": size})
    return Fitted(modules, None, None, None, "cpu")  # type: ignore[arg-type]


def test_what_was_not_asked_for_longest_is_forgotten_first_when_memory_is_full() -> None:
    kept = KeptFits(limit=25)
    for name in "abc":
        kept.keep(name, fit_of(10))
        if name == "b":
            kept.get("a")
    assert ["a" in kept, "b" in kept, "c" in kept] == [True, False, True]


def test_many_small_fits_are_all_kept() -> None:
    kept = KeptFits(limit=1000)
    for number in range(50):
        kept.keep(number, fit_of(10))
    assert len(kept) == 50


def test_the_last_fit_is_kept_however_large() -> None:
    kept = KeptFits(limit=5)
    kept.keep("a", fit_of(10))
    assert kept.get("a").size == 10


def test_failed_fit_fails_again_without_being_made_again() -> None:
    kept = KeptFits()
    kept.keep("a", FitError("the fit diverged"))
    with pytest.raises(FitError, match="the fit diverged"):
        kept.get("a")
