"""What a checkpoint's own files say of it: held to what is built, so that nothing is scored as what it is not."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import CheckpointError

PROCESSOR = "preprocessor_config.json"
RESAMPLING = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box", 5: "hamming"}
"""Pillow's numbers, as processors write them."""
CLOSE = 2e-3
"""Colours within it are one: 0.481 is 0.48145466 rounded."""


def require_unquantised(path: Path, config: Mapping[str, Any]) -> None:
    """Refuse a configuration that asks for a quantiser, at its top or in a part of it. Raises: CheckpointError."""
    for part, inner in {"": config, **config}.items():
        for key in ("quantization_config", "quantization"):
            found = inner.get(key) if isinstance(inner, Mapping) else None
            if found:
                how = found.get("quant_method", "") if isinstance(found, Mapping) else ""
                of = f"{part}." if part else ""
                raise CheckpointError(
                    f"{path} has a {of}{key}{f' ({how})' if how else ''}: the weights are quantised, and only "
                    "floating-point ones are loaded; use the checkpoint that they were made from"
                )


@contextmanager
def read_by_library(where: str | Path) -> Iterator[None]:
    """Within it, whatever a library raises at a configuration is one line that names the file.

    Raises:
        CheckpointError: in its place.
    """
    try:
        yield
    except CheckpointError:
        raise
    except Exception as error:  # each library and version has errors of its own
        reason = " ".join(str(error).split())[:160]
        raise CheckpointError(
            f"{where} cannot be used ({type(error).__name__}: {reason}); is it of this model?"
        ) from error


def require_facts(
    where: str | Path, found: Mapping[str, Any], wanted: Mapping[str, Any], names: Iterable[str], what: str
) -> None:
    """Refuse a checkpoint whose configuration contradicts what is built.

    Args:
        where: The file, for the message.
        found: Its facts; one that is absent says nothing.
        wanted: Those of the model that is built.
        names: What must be equal.
        what: The model, for the message.

    Raises:
        CheckpointError: naming the first difference.
    """
    for name in names:
        if name in found and name in wanted and not _equal(found[name], wanted[name]):
            raise CheckpointError(
                f"{where}: {name} is {_plain(found[name])!r}, {what} has {_plain(wanted[name])!r}. Is it another model?"
            )


def require_processor(folder: Path, preprocessing: Mapping[str, Any], what: str) -> None:
    """Refuse a folder whose processor normalises or resizes otherwise than the model here does.

    Args:
        folder: May hold ``preprocessor_config.json``.
        preprocessing: ``mean``, ``std`` and ``interpolation`` of the spec, as far as it has them.
        what: The model, for the message.

    Raises:
        CheckpointError: naming the first difference.
    """
    path = folder / PROCESSOR
    if not path.is_file():
        return
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        found = {"image_mean": said.get("image_mean"), "image_std": said.get("image_std")}
        found["resample"] = RESAMPLING.get(said.get("resample"), said.get("resample"))
    except (ValueError, AttributeError, TypeError) as error:
        raise CheckpointError(f"{path} is no processor configuration: {error}") from error
    interpolation = str(preprocessing.get("interpolation", "")).partition(",")[0]
    wanted = {"image_mean": preprocessing.get("mean"), "image_std": preprocessing.get("std")}
    wanted["resample"] = interpolation or None
    given = {name: value for name, value in found.items() if value is not None and wanted[name] is not None}
    require_facts(path, given, wanted, given, what)


def _equal(found: Any, wanted: Any) -> bool:
    """Equal values; numbers of a list may be rounded."""
    if isinstance(found, Sequence) and isinstance(wanted, Sequence) and not isinstance(found, str):
        return len(found) == len(wanted) and all(map(_near, found, wanted))
    if isinstance(found, float) and isinstance(wanted, int | float):
        return math.isclose(found, wanted, rel_tol=1e-6)
    return bool(found == wanted)


def _near(found: Any, wanted: Any) -> bool:
    if isinstance(found, int | float) and isinstance(wanted, int | float):
        return abs(found - wanted) <= CLOSE
    return bool(found == wanted)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
