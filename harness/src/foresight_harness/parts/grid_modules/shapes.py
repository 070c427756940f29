"""What plans ask of shapes before any tensor exists. Free of torch; every refusal is one line."""

from __future__ import annotations

from collections.abc import Sequence

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs.grid_shape import GridShape

MAX_ENLARGEMENT = 8
"""The limit of ``contracts.token_grids.resample_tokens``, repeated because that module imports torch."""


def require_count(name: str, shapes: Sequence[GridShape], bounds: tuple[int, int | None], noun: str) -> None:
    """Refuse fewer or more inputs than a part can take.

    Args:
        name: The part, as the candidate writes it.
        shapes: What it was given.
        bounds: Least and most; None is any number.
        noun: ``tap`` or ``stream``.

    Raises:
        CandidateError: naming the part, what it takes and what it got.
    """
    least, most = bounds
    if len(shapes) >= least and (most is None or len(shapes) <= most):
        return
    if least == most:
        wanted = f"exactly {least} {noun}{'s' if least != 1 else ''}"
    else:
        wanted = f"at least {least} {noun}s" if most is None else f"{least} to {most} {noun}s"
    raise CandidateError(f"{name} takes {wanted}, got {len(shapes)}: {_listed(shapes) or 'none'}")


def require_grids(name: str, shapes: Sequence[GridShape]) -> None:
    """Refuse token sets where places are needed. Raises: CandidateError."""
    for shape in shapes:
        if shape.is_set:
            raise CandidateError(f"{name} needs a grid, got the token set {shape}, whose tokens have no place")


def require_equal_frames(name: str, shapes: Sequence[GridShape]) -> None:
    """Refuse inputs of unequal temporal slots; nothing resamples time silently. Raises: CandidateError."""
    if len({shape.frames for shape in shapes}) > 1:
        raise CandidateError(
            f"{name} needs equal frames, got {_listed(shapes)}. Choose taps or encoders of one temporal stride."
        )


def require_resampling(name: str, shapes: Sequence[GridShape], target: GridShape) -> None:
    """Refuse resampling that would invent detail, when planned rather than when run. Raises: CandidateError."""
    for shape in shapes:
        if target.rows > MAX_ENLARGEMENT * shape.rows or target.cols > MAX_ENLARGEMENT * shape.cols:
            raise CandidateError(
                f"{name} would enlarge {shape} to {target.rows}x{target.cols} (limit: {MAX_ENLARGEMENT}x a side). "
                "Enhance the coarse stream first, or take a finer tap."
            )


def largest_grid(shapes: Sequence[GridShape]) -> GridShape:
    """The grid of most cells, the first of them if several are as large."""
    return max(shapes, key=lambda shape: shape.rows * shape.cols)


def bottleneck_width(width: int, share: tuple[int, int], *, multiple: int) -> int:
    """Inner width of a trained part, in proportion to what it reads, so that small encoders get small modules.

    Args:
        width: Channels of the input.
        share: Inner width over input width, as numerator and denominator: exact, and free of ``fractions``.
        multiple: The result is the nearest multiple of this, and at least one of it (heads and groups must divide).
    """
    over, under = share
    return max(1, (2 * width * over + multiple * under) // (2 * multiple * under)) * multiple


def _listed(shapes: Sequence[GridShape]) -> str:
    return ", ".join(str(shape) for shape in shapes)
