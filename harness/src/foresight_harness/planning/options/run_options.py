"""From option names as people write them (``--weights-source``, ``weights_source=``) to ``RunOptions``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options.declared import BY_NAME
from foresight_harness.planning.options.feeding import OWN
from foresight_harness.planning.options.options import RunOptions, datasets_or, parse_weights_source
from foresight_harness.planning.options.scale import Scale
from foresight_harness.planning.options.storage import place_of
from foresight_harness.planning.registry.registry import nearest

if TYPE_CHECKING:
    from foresight_harness.planning.candidates import Selection

DEFAULTS: Mapping[str, Any] = {name: option.default for name, option in BY_NAME.items()}
"""Every option of a run under its long name, with what holds where nothing is said."""

REPEATABLE = frozenset(name for name, option in BY_NAME.items() if option.repeatable)
"""Options that may be given more than once: a list, or one text."""


def run_options(given: Mapping[str, Any], selection: Selection, sizes: Scale | None = None) -> RunOptions:
    """The options of a run; the matrix fills in scale, data sets and probes where they are not given.

    Args:
        given: Values by long name; what is absent or None has its default.
        selection: The candidates that the options choose, with the defaults of their matrix.
        sizes: Sizes that a program hands in, instead of those that the scale names.

    Raises:
        UsageError: for a value that no run can have.
    """
    values = {name: default if given.get(name) is None else given[name] for name, default in DEFAULTS.items()}
    values |= {name: as_texts(values[name]) for name in REPEATABLE}
    cache, cache_url = place_of(str(values["feature_cache"]))
    policy = values["input"] or selection.input or OWN
    return RunOptions(
        candidates=values["candidate"],
        matrix=None if values["matrix"] is None else str(values["matrix"]),
        scale=selection.scale if sizes is None else sizes.name,
        custom_scale=sizes,
        datasets=datasets_or(values["dataset"], selection.datasets),
        weights=values["weights"],
        weights_sources=tuple(parse_weights_source(text) for text in values["weights_source"]),
        twins=not values["no_twins"],
        trusted_weights=values["trust_weights"],
        device=values["device"],
        dtype=values["dtype"],
        cache_dtype=values["cache_dtype"],
        attention=values["attention"],
        quantize=values["quantize"],
        device_map=values["device_map"],
        seeds=values["seeds"],
        steps=values["steps"],
        patience=values["patience"],
        learning_rate=None if values["learning_rate"] is None else str(values["learning_rate"]),
        train_size=values["train_size"],
        picture_px=values["picture_px"],
        input=policy,
        input_size=selection.input_size(policy, values["picture_px"]),
        max_pixels=values["max_pixels"],
        probes=values["probe"] or selection.probes,
        metrics=values["metric"],
        recipe=values["recipe"],
        search=bool(values["search"]),
        budget=values["budget"],
        gates=values["gate"],
        answers=None if values["answers"] is None else str(values["answers"]),
        baseline=values["baseline"],
        exports=values["export"],
        out=Path(values["out"]),
        cache=cache,
        cache_url=cache_url,
        engine=values["engine"],
        cell_timeout=values["cell_timeout"],
        worker_memory_gib=values["worker_memory"],
        max_failures=values["max_failures"],
        spot_check=not values["no_spot_check"],
        admission=values["admission"],
        keep_fits=bool(values["keep_fits"]),
        keep_pictures=values["keep_pictures"],
        map_tokens=values["map_tokens"],
        stream_shares=values["stream_shares"],
        resume=bool(values["resume"]),
        strict_plugins=bool(values["strict_plugins"]),
        strict=bool(values["strict"]),
    )


def check_names(given: Iterable[str]) -> None:
    """Refuse an option that there is not. Raises: UsageError naming the nearest."""
    for name in given:
        if name not in DEFAULTS:
            raise UsageError(f"unknown option {name!r}{nearest(name, DEFAULTS)}")


def as_texts(value: object) -> tuple[str, ...]:
    """One text or several, as a tuple of texts."""
    if isinstance(value, str | Path):
        return (str(value),)
    if isinstance(value, Iterable):
        return tuple(map(str, value))
    raise UsageError(f"expected a text or a list of texts, got {value!r}")
