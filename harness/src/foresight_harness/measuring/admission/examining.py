"""One encoder examined: a handful of pictures, a few calls, one verdict a tap. The function that a run uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import ForesightError, GridError
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.admission import colours, encoder_checks
from foresight_harness.measuring.admission.first_call import Pictures, first_and_last, pictures_of
from foresight_harness.measuring.admission.observing import Observed, observing
from foresight_harness.measuring.admission.painting import bands, barely_changed
from foresight_harness.measuring.admission.placement import Placement
from foresight_harness.measuring.admission.verdicts import ADMITTED, REFUSED, Verdict

SMALL_PARAMS = 5_000_000
"""Encoders above get 7 pictures, 13 more where these tell against them; others 24, which show what a batch does."""

Run = Callable[[Tensor, Sequence[str]], Mapping[str, TokenGrid]]
"""Clips [B, T, 3, H_px, W_px] on the CPU, taps -> grids."""


@dataclass(frozen=True)
class Subject:
    """An encoder as the run builds it."""

    spec: EncoderSpec
    run: Run
    side_px: int
    """Side that it was asked to resize to."""
    device: str = "cpu"
    dtype: str = "float32"
    params: int = 0
    """Parameters found in what was built."""
    untrained: Callable[[], Run] | None = None
    """The same code with random weights, built by the call; None where it has no others, or there are none."""

    @property
    def large(self) -> bool:
        """Whether pictures are counted."""
        return max(self.params, self.spec.params or 0) > SMALL_PARAMS


@dataclass
class Examination:
    """What was seen so far."""

    subject: Subject
    taps: Sequence[str]
    frames: int
    canvas_px: int
    observed: Observed = field(default_factory=Observed)
    faults: dict[str, list[str]] = field(default_factory=dict)
    """By tap."""
    unchecked: list[str] = field(default_factory=list)
    """Of all taps."""
    unchecked_at: dict[str, list[str]] = field(default_factory=dict)
    """By tap."""
    pictures: int = 0
    """Pictures that were encoded."""

    @property
    def few(self) -> bool:
        """Whether pictures are counted: those of a large encoder, and clips, which are many frames each."""
        return self.subject.large or self.frames > 1

    def say(self, tap: str, fault: str | None) -> None:
        """Note what is wrong at a tap."""
        if fault is not None:
            self.faults.setdefault(tap, []).append(f"{tap}: {fault}")

    def leave_places(self, tap: str, why: str) -> None:
        """Note that where the tokens of a tap look could not be told."""
        self.unchecked_at.setdefault(tap, []).append(f"places at {tap}: {why}")

    def call(
        self, clips: Tensor, taps: Sequence[str], *, keep_pixels: bool = False, names: Sequence[str] = ()
    ) -> tuple[dict[str, Tensor], Observed]:
        """Tokens by tap on the CPU. Raises: _Refused where the encoder cannot be called as its protocol says."""
        before = clips.clone()
        with observing(keep_pixels=keep_pixels) as seen:
            grids = _called(self.subject.run, clips, taps, names)
        if not torch.equal(before, clips):
            raise _Refused("encode changes the clips that it is given: copy before normalising in place")
        self.pictures += len(clips)
        return {tap: grids[tap].tokens.detach().cpu() for tap in taps}, seen


class _Refused(Exception):
    """Nothing more can be asked."""


def examine(subject: Subject, taps: Sequence[str], one: Tensor, other: Tensor) -> tuple[dict[str, Verdict], int]:
    """Examine an encoder at some of its taps.

    Args:
        subject: The encoder.
        taps: Names of its taps.
        one: A picture or clip of the run's own data. [T, 3, H_px, W_px]
        other: Another one.

    Returns:
        A verdict for each tap, and the number of pictures that were encoded.

    Raises:
        ForesightError: what the encoder itself says to the user (memory, checkpoints).
        torch.OutOfMemoryError: likewise.
    """
    found = Examination(subject, taps, frames=one.shape[0], canvas_px=int(one.shape[-1]))
    try:
        _examine(found, one, other)
    except _Refused as refused:
        verdict = Verdict(REFUSED, (str(refused),), params=subject.params)
        return dict.fromkeys(taps, verdict), found.pictures
    return {tap: _verdict(found, tap) for tap in taps}, found.pictures


def _verdict(found: Examination, tap: str) -> Verdict:
    faults = tuple(found.faults.get(tap, ()))
    params = max(found.subject.params, sum(found.observed.params.values()))
    unchecked = (*found.unchecked_at.get(tap, ()), *found.unchecked)
    return Verdict(REFUSED if faults else ADMITTED, faults, unchecked, params)


def _examine(found: Examination, one: Tensor, other: Tensor) -> None:
    shown = pictures_of(one, other, few=found.few, stride_frames=_stride(found))
    tokens, found.observed = found.call(shown.clips, found.taps, names=shown.names)
    for tap in found.taps:
        _look(found, tap, tokens[tap], shown)
    _again(found, tokens, shown, one, other)
    hint = encoder_checks.eval_hint(found.observed.training)
    for tap in found.taps:
        if hint is not None and not any(hint in fault for fault in found.faults.get(tap, ())):
            found.say(tap, hint)
    fault = _colour_fault(found, one)
    for tap in found.taps:
        found.say(tap, fault)


def _stride(found: Examination) -> int:
    return max(found.subject.spec.tap(tap).stride_frames for tap in found.taps)


def _called(run: Run, clips: Tensor, taps: Sequence[str], names: Sequence[str] = ()) -> Mapping[str, TokenGrid]:
    try:
        return run(clips, taps)
    except GridError as error:
        alone = [name for place, name in enumerate(names) if not _comes_back(run, clips[place : place + 1], taps)]
        by_one = f" Of these pictures it is {alone[0]}." if 0 < len(alone) < len(names) else ""
        raise _Refused(f"{error}{by_one}") from error
    except (ForesightError, torch.OutOfMemoryError, MemoryError):
        raise
    except Exception as error:  # any failure of foreign code is that encoder's failure
        said = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        raise _Refused(f"encode fails on clips {tuple(clips.shape)}: {said}") from error


def _comes_back(run: Run, clips: Tensor, taps: Sequence[str]) -> bool:
    """Whether a picture alone gives grids."""
    try:
        run(clips, taps)
    except GridError:
        return False
    return True


def _look(found: Examination, tap: str, tokens: Tensor, shown: Pictures) -> None:
    """Everything that the first call tells of a tap."""
    subject, spec = found.subject, found.subject.spec.tap(tap)
    wrong_grid = encoder_checks.grid_fault(tokens, spec, subject.side_px, found.canvas_px, found.frames)
    found.say(tap, wrong_grid)
    dead = encoder_checks.dead_fault(tokens, shown.names, shown.plain)
    found.say(tap, dead)
    if min(tokens.shape[2:4]) < 2:
        found.leave_places(tap, f"a grid of {tokens.shape[2]}x{tokens.shape[3]} tokens has too few")
        return
    if not spec.predicted:
        found.say(tap, encoder_checks.still_fault(tokens[list(shown.unlike)]))
        found.say(tap, encoder_checks.copied_fault(tokens[shown.noise]))
    if dead is None:
        _look_for_places(found, tap, encoder_checks.placement_of(tokens[shown.repainted], tokens[0], shown.code), shown)
    if tokens.shape[1] > 1:
        for fault in _slot_faults(tokens, spec.stride_frames, first_and_last(found.frames, _stride(found))):
            found.say(tap, fault)


def _look_for_places(found: Examination, tap: str, placement: Placement, shown: Pictures) -> None:
    if found.subject.spec.tap(tap).predicted and not encoder_checks.turned(placement):
        unclear = encoder_checks.predicted_elsewhere(placement)
        if unclear is not None:
            found.leave_places(tap, unclear)
        return
    fault = _place_fault(found, placement)
    if fault is not None and found.few:
        placement = _looked_at_again(found, tap, shown)
        fault = _place_fault(found, placement)
    if fault is None:
        return
    unclear = encoder_checks.places_unclear(placement) or _lost_in_training(found, tap, placement, shown)
    if unclear is not None:
        found.leave_places(tap, unclear)
        return
    found.say(tap, fault)


def _place_fault(found: Examination, placement: Placement) -> str | None:
    overlapping, tolerance = found.observed.overlapping, found.subject.spec.tolerance_cells
    return encoder_checks.place_fault(placement, overlapping=overlapping, tolerance_cells=tolerance)


def _looked_at_again(found: Examination, tap: str, shown: Pictures) -> Placement:
    """The places of a tap by as many pictures as a small encoder is asked: nobody is refused on few."""
    plain = shown.clips[0]
    more = pictures_of(plain, plain, few=False, stride_frames=_stride(found))
    tokens, _ = found.call(more.clips[: more.repainted.stop], [tap])
    return encoder_checks.placement_of(tokens[tap][more.repainted], tokens[tap][0], more.code)


def _lost_in_training(found: Examination, tap: str, placement: Placement, shown: Pictures) -> str | None:
    """Why the weights are to blame and not the order of tokens, which is the code's: with random weights the same code
    is found in its places. None where that cannot be had, or is no better."""
    if found.subject.untrained is None:
        return None
    try:
        clips = shown.clips[: shown.repainted.stop]  # number 0 is the plain one
        grids = _called(found.subject.untrained(), clips, [tap])
    except (ForesightError, torch.OutOfMemoryError, MemoryError, _Refused):
        return None
    found.pictures += len(clips)
    tokens = grids[tap].tokens.detach().cpu()
    random = encoder_checks.placement_of(tokens[shown.repainted], tokens[0], shown.code)
    if _place_fault(found, random) is not None:
        return None
    return (
        f"with random weights the same code is found in its places (agreement {random.own:.2f}), with these it is not "
        f"({placement.own:.2f}): training lost them, which no order of tokens does"
    )


def _slot_faults(tokens: Tensor, stride: int, changed: tuple[range, range]) -> Iterator[str]:
    """``changed``: frames that are repainted in the first and in the second repainted clip."""
    changes = (in_double(tokens[1:3]) - in_double(tokens[:1])).norm(dim=-1).mean((2, 3))
    last = tokens.shape[1] - 1
    for own, frames, name in zip(changes, changed, ("the first frames", "the last frames"), strict=True):
        slots = range(min(frames[0] // stride, last), min(frames[-1] // stride, last) + 1)
        fault = encoder_checks.slot_fault(own, slots, name)
        if fault is not None:
            yield fault


def _again(found: Examination, first: Mapping[str, Tensor], shown: Pictures, one: Tensor, other: Tensor) -> None:
    """Some of the pictures again: in another order, beside others, alone."""
    limits = encoder_checks.limits_of(found.subject.dtype, found.subject.device)
    if found.few:
        groups: list[list[int]] = [[2]]
    else:
        groups = [[shown.noise + 1, 3, 0], [1]]
    for group in groups:
        tokens, _ = found.call(shown.clips[group].clone(), found.taps)
        what = f"features of {'one picture alone and in a batch' if len(group) == 1 else 'pictures in two batches'}"
        training = found.observed.training
        for tap in found.taps:
            found.say(tap, encoder_checks.same_fault(tokens[tap], first[tap][group], limits.same, what, training))
    if found.few:
        return
    # As many as in a call before: an encoder that remembers answers by their shape gives the old ones.
    near, _ = found.call(torch.stack([barely_changed(other), barely_changed(one), shown.clips[4]]), found.taps)
    places = [shown.names.index("another picture of the data"), 0]
    for tap in found.taps:
        difference = encoder_checks.root_mean_square_difference(near[tap][:2], first[tap][places])
        if not difference <= limits.barely:
            found.say(
                tap,
                f"a few values of a picture moved by 1 of 255 move its features by {difference:.2g} root mean squares "
                f"(limit {limits.barely:g}): features are computed from what is seen, not looked up",
            )


def _colour_fault(found: Examination, like: Tensor) -> str | None:
    subject = found.subject
    declared = colours.declared(subject.spec.preprocessing)
    if isinstance(declared, str):
        found.unchecked.append(f"colours: {declared}")
        return None
    mean, std, blue_first = declared
    order = [tap.name for tap in subject.spec.taps]
    shallow = min(found.taps, key=order.index)
    picture = bands(colours.band_colours(mean, std), like).unsqueeze(0)
    _, seen = found.call(picture, [shallow], keep_pixels=True)
    if not seen.pixels:
        found.unchecked.append("colours: no convolution over three channels ran")
        return None
    tolerance = encoder_checks.limits_of(subject.dtype, subject.device).colours
    return colours.fault_of(seen.pixels[0], mean, std, blue_first=blue_first, tolerance=tolerance)
