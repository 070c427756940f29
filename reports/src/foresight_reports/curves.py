"""Curves of one number over one choice, drawn from what ``foresight-bench curve`` found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from foresight_reports.errors import FigureError
from foresight_reports.figures import FORMATS


def write_curve(found: Mapping[str, Any], output: Path) -> Path:
    """Draw the curves and give the path: the same content gives the same bytes.

    Args:
        found: ``over`` (label, unit), ``suite``, ``metric``, ``unit``, ``direction``, ``dataset``, and ``curves``: each
            with its ``candidate`` and ``points`` (``x``, ``value``, ``low``, ``high``).
        output: The file to write; its ending says in which format.

    Raises:
        FigureError: when the format is not known.
    """
    from foresight_reports.figures.drawing import curves, save

    if output.suffix.lower() not in FORMATS:
        raise FigureError(f"{output} has no known format; end its name in {', '.join(FORMATS)}.")
    output.parent.mkdir(parents=True, exist_ok=True)
    save(partial(curves, found=found), output)
    return output
