"""What tokens of admission's pictures must be like, one function a question: None, or what is wrong in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.specs import TapSpec
from foresight_harness.measuring.admission.painting import Code
from foresight_harness.measuring.admission.placement import Placement, placed

LEAST_AGREEMENT = 0.25
"""Agreement of repainted squares with the tokens that cover them. Tokens in random places stay below 0.15; random
weights behind a language model give 0.4, everything else above 0.6."""
CLEARLY = 0.06
"""By how much another way of seeing must agree better before it is believed."""
MOST_LEANING = 0.22
"""By how much better the code may be found half a token to one side than to the other; causal attention gives 0.12."""
MOST_LEANING_OF_FEW = 0.28
"""The same of few pictures, where chance and causal attention give 0.23."""
LEAST_PART = 0.45
"""Agreement of any half or quarter of the grid, in shares of their median."""
FAINT = 0.25
"""Contrast below which missing agreement accuses nobody: tokens in a wrong order move by 0.7 and more where what they
show is repainted; a trained language model that lost places gives 0.10 to 0.20 in the right one."""
LEAST_FAINT = 0.1
"""Agreement of faint tokens with their own place; answers to other pictures give 0.02."""
STILL = 1e-4
"""A token that moves less than this, in units of the median, does not move."""
EXACT_CELLS = 0.3
"""Tokens by which the place found may be off; the search goes in steps of 0.25."""
OVERLAPPING_CELLS = 0.8
"""The same behind convolutions wider than their stride: a ResNet's cells are centred half a cell off."""
EXACT_ZOOM = 0.045
"""Share of the side by which more or less may be seen, whatever that is in tokens at the border."""
COPIED = 0.2


@dataclass(frozen=True)
class Limits:
    """How much may differ: by precision and device, as kernels choose other ways for other batches."""

    same: float
    """The same picture in another batch, in root mean squares."""
    barely: float
    """A picture with a few values moved by 1 of 255."""
    colours: float
    """Standard deviations."""


def limits_of(dtype: str, device: str) -> Limits:
    """Limits for a precision on a device."""
    if dtype != "float32":
        return Limits(same=0.1, barely=0.4, colours=0.08)
    return Limits(same=1e-3 if device == "cpu" else 2e-2, barely=0.1, colours=0.02)


def grid_fault(tokens: Tensor, tap: TapSpec, side_px: int, canvas_px: int, frames: int) -> str | None:
    """Width, rows, columns and slots against what is declared. ``tokens``: [B, T, H, W, C]"""
    _, slots, rows, cols, width = tokens.shape
    if width != tap.width:
        return f"width {tap.width} is declared, {width} comes out: declare what comes out"
    least, most = frames // tap.stride_frames, -(-frames // tap.stride_frames)
    if not max(1, least) <= slots <= max(1, most):
        return (
            f"{frames} frames give {slots} temporal slots, stride_frames={tap.stride_frames} says {max(1, least)}: "
            "give one slot a stride, or declare the stride"
        )
    if any(_fits(rows, cols, tap.stride_px, side - tap.margin_px) for side in (side_px, canvas_px)):
        return None
    return (
        f"{rows}x{cols} tokens come out of {side_px} px, stride_px={tap.stride_px} says {tap.cells(side_px)} a "
        "side: declare the stride and input_px that hold, drop prefix tokens, and average nothing"
    )


def _fits(rows: int, cols: int, stride_px: int, side_px: int) -> bool:
    """Whether one side has as many cells as fit, or the grid of an oblong input has as many as the square would."""
    fitting = {side_px // stride_px, round(side_px / stride_px), -(-side_px // stride_px)}
    area = max(1.0, (side_px / stride_px) ** 2)
    return bool({rows, cols} & fitting) or (rows != cols and abs(rows * cols / area - 1) < 0.15)


def dead_fault(tokens: Tensor, names: Sequence[str], plain: Sequence[bool]) -> str | None:
    """Pictures whose tokens say nothing: all alike in all places, or those of another picture.

    Args:
        tokens: [B, T, H, W, C]
        names: What each picture is.
        plain: Whether a picture is one colour, so that tokens may be alike. B
    """
    scale = float(in_double(tokens).square().mean().sqrt())
    if scale == 0:
        return "every feature value is 0"
    known: dict[bytes, str] = {}
    for name, own, may in zip(names, tokens, plain, strict=True):
        if may:
            continue
        flat = own.flatten(0, 2)
        if len(flat) > 1 and float((flat - flat[:1]).abs().max()) <= 1e-6 * scale:
            what = "0" if not own.any() else "alike in every place"
            return f"features of {name} are {what}, and the picture is not: read every picture, wherever it stands"
        twin = known.setdefault(own.float().cpu().numpy().tobytes(), name)
        if twin != name:
            return f"{name} and {twin} differ and get the same features: every picture must be read by itself"
    return None


def still_fault(tokens: Tensor) -> str | None:
    """Tokens that no picture moves, as a class token at the embedding is.

    ``tokens``: of unlike pictures [B, T, H, W, C]
    """
    moved = in_double(tokens[1:] - tokens[:1]).norm(dim=-1).amax((0, 1))
    places = (moved <= STILL * float(moved.median())).nonzero()
    if not len(places):
        return None
    row, col = places[0].tolist()
    return (
        f"{len(places)} of {moved.numel()} tokens never change (first: row {row}, column {col}): drop prefix tokens, "
        "and read the whole picture"
    )


def copied_fault(tokens: Tensor) -> str | None:
    """Neighbours that are equal to the last bit on a picture of noise: a coarser grid, enlarged. [T, H, W, C]"""
    grid = tokens[0]
    pairs = [(grid[1:], grid[:-1]), (grid[:, 1:], grid[:, :-1])]
    shares = [float((one == two).all(-1).float().mean()) for one, two in pairs if one.numel()]
    if max(shares, default=0.0) < COPIED:
        return None
    return (
        f"{max(shares):.0%} of neighbouring tokens are equal to the last bit: declare the stride of the grid before it "
        "is enlarged"
    )


def places_unclear(placement: Placement) -> str | None:
    """Why the order of tokens cannot be told: what moves them is moved nearly everywhere, a little more in its place.

    That is what a network that loses places does, rather than one whose tokens are read in a wrong order, which moves
    as much in a wrong place. Another way of seeing that agrees better is believed all the same.
    """
    found = placement
    if found.contrast >= FAINT or found.own < LEAST_FAINT or found.best - found.own > CLEARLY:
        return None
    figures = f"contrast {found.contrast:.2f}, agreement {found.own:.2f}"
    return f"every repainted square moves all tokens about alike ({figures})"


def turned(placement: Placement) -> bool:
    """Whether the code is found, and in a grid that is swapped, mirrored or turned."""
    return bool(placement.view.turned) and placement.best >= LEAST_AGREEMENT


def predicted_elsewhere(placement: Placement) -> str | None:
    """Why the places of a predicted grid cannot be told: a box reaches beyond the square that was repainted, and at
    random weights what is repainted changes what is predicted anywhere."""
    if placement.own >= LEAST_AGREEMENT:
        return None
    return f"predictions change elsewhere than where the picture does (agreement {placement.own:.2f})"


def place_fault(placement: Placement, *, overlapping: bool, tolerance_cells: float) -> str | None:
    """Whether the repainted squares are found where they were painted."""
    found, view = placement, placement.view
    allowed = max(tolerance_cells + EXACT_CELLS, OVERLAPPING_CELLS if overlapping else 0.0)
    near = (
        not view.turned
        and max(abs(view.rows_off), abs(view.cols_off)) <= allowed
        and (abs(view.zoom - 1) <= EXACT_ZOOM or abs(view.zoom - 1) * found.cells / 2 <= allowed)
    )
    if found.best < LEAST_AGREEMENT:
        return (
            "repainted squares of a picture do not change the tokens that cover them "
            f"(agreement {found.own:.2f}, least {LEAST_AGREEMENT}): undo windows, keep raster order, "
            "read the picture that is given"
        )
    if not near and found.best - found.own > CLEARLY:
        return (
            f"each token sees {view} (agreement {found.best:.2f}, in its own place {found.own:.2f}): "
            "rows before columns, row 0 on top, prefix tokens dropped, nothing cropped or shifted; "
            "a network that cannot centre its cells declares tolerance_cells"
        )
    leaning = MOST_LEANING if found.pictures > 4 else MOST_LEANING_OF_FEW
    if not overlapping and not tolerance_cells and found.leaning > leaning:
        return (
            f"each token also sees {found.leans_to}, and not as much of the other side (by {found.leaning:.2f} of "
            "agreement): cells half a token off; centre them, or declare tolerance_cells"
        )
    whole = float(np.median(list(found.parts.values())))
    for parts in (found.parts, found.quarters):  # the larger part is named where both are wrong
        part, least = min(parts.items(), key=lambda item: item[1], default=("", 1.0))
        if near and not overlapping and least < LEAST_PART * whole and whole > LEAST_AGREEMENT:
            return (
                f"repainted squares are found in their places elsewhere ({whole:.2f}) and not in {part} ({least:.2f}): "
                "is the order of tokens raster order everywhere?"
            )
    return None


def same_fault(found: Tensor, expected: Tensor, limit: float, what: str, training: Mapping[str, int]) -> str | None:
    """Whether a picture gives the same features again. [..., C] each"""
    difference = root_mean_square_difference(found, expected)
    if difference <= limit:
        return None
    why = eval_hint(training) or "encode each picture by itself, the same way every time: no memory, no dropout"
    return f"{what} differ by {difference:.2g} root mean squares (limit {limit:g}): {why}"


def eval_hint(training: Mapping[str, int]) -> str | None:
    """What to do where modules ran in training mode; None where none did that would matter."""
    if not training:
        return None
    modules = ", ".join(f"{count} {name}" for name, count in sorted(training.items()))
    return f"{modules} ran in training mode; call eval() on the model in build"


def root_mean_square_difference(found: Tensor, expected: Tensor) -> float:
    """In units of the expected values' spread around their mean token; infinite where shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    one, two = in_double(found), in_double(expected)
    spread = two - two.mean(dim=tuple(range(two.ndim - 1)), keepdim=True)
    scale = float(spread.square().mean().sqrt()) or float(two.square().mean().sqrt())
    return float((one - two).square().mean().sqrt()) / max(scale, 1e-12)


def slot_fault(changes: Tensor, slots: range, frames: str) -> str | None:
    """Whether the frames that were changed belong to the slot that changed most.

    Args:
        changes: [T]
        slots: That hold these frames.
        frames: Which they are, in words.
    """
    found = int(changes.argmax())
    if found in slots:
        return None
    named = f"{slots[0]}" if len(slots) == 1 else f"one of {slots[0]} to {slots[-1]}"
    return f"{frames} were changed and slot {found} of {len(changes)} changed most, not {named}: keep frames in order"


def placement_of(tokens: Tensor, base: Tensor, code: Code) -> Placement:
    """Where repainted squares are found.

    Args:
        tokens: Of each repainted picture. [K, T, H, W, C]
        base: Of the plain one. [T, H, W, C]
        code: Which picture repaints which square.
    """
    changes = (in_double(tokens) - in_double(base).unsqueeze(0)).norm(dim=-1).mean(1)
    return placed(changes.cpu().numpy(), code)
