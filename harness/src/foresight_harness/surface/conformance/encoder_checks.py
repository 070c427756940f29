"""Checks of how an encoder computes: depth, norms, determinism, independence of batch, frames and global state."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec, TapSpec
from foresight_harness.measuring.extraction.encode import encode_pictures
from foresight_harness.parts.checks.failures import relative_difference, require, require_other, require_same
from foresight_harness.parts.checks.generators import global_generators_kept
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.parts.checks.watching import watch_modules

SIZE = (96, 136)
"""Rows and columns of the pictures of these checks, in pixels: unequal, and a multiple of no patch size."""
BY_ITSELF = (
    "encode each picture by itself, the same way every time: no memory between calls, eval() on the model in build"
)
"""What to do where a picture's features depend on anything else."""


def encode_all(encoder: Encoder, clips: Tensor, spec: EncoderSpec) -> dict[str, Tensor]:
    """Tokens at every tap."""
    grids = encoder.encode(clips, [tap.name for tap in spec.taps])
    return {name: grid.tokens for name, grid in grids.items()}


def check_finite(encoder: Encoder, spec: EncoderSpec, aliases: Mapping[str, str] | None = None) -> None:
    """Features are finite, carry no gradient, and differ from tap to tap.

    Args:
        encoder: Built.
        spec: Its spec.
        aliases: Second name of a tap to its first: the two must be equal, all others must not.

    Raises: ConformanceError.
    """
    features = encode_all(encoder, random_clips(SIZE, batch=2), spec)
    for name, tokens in features.items():
        require(bool(torch.isfinite(tokens).all()), f"{name}: features are not finite")
        require(not tokens.requires_grad, f"{name}: gradients are kept")
    names = list(features)
    for index, name in enumerate(names):
        for other in names[:index]:
            if {(name, other), (other, name)} & set((aliases or {}).items()):
                require_same(features[name], features[other], f"{name} and {other}, declared as one tap", tolerance=0)
            elif features[name].shape == features[other].shape:
                require_other(features[name], features[other], f"{name} and {other}")


def check_every_token_sees_the_picture(encoder: Encoder, spec: EncoderSpec) -> None:
    """No token is the same for two pictures, as a class token at the embedding is; cells of predictions may be empty.

    Raises: ConformanceError."""
    for tap, tokens in encode_all(encoder, random_clips(SIZE, batch=2, seed=3), spec).items():
        if spec.tap(tap).predicted:
            continue
        change = (tokens[0].double() - tokens[1].double()).norm(dim=-1)
        least = float(change.min() / change.median().clamp_min(1e-12))
        require(least > 1e-3, f"{tap}: one token hardly changes between two pictures; is it a prefix token?")


def is_normed(tokens: Tensor) -> bool:
    """Whether 95 % of tokens have a root mean square within 5 % of 1, as after LayerNorm or RMSNorm at their start."""
    rms = tokens.double().flatten(0, -2).square().mean(-1).sqrt()
    return float(torch.quantile((rms - 1).abs(), 0.95)) < 0.05


def check_norms(encoder: Encoder, spec: EncoderSpec) -> None:
    """A tap is normed exactly where it says so (at random weights, where the affine part is 1). Raises:
    ConformanceError."""
    clips = random_clips(SIZE, batch=2, seed=4)
    for name, tokens in encode_all(encoder, clips, spec).items():
        declared, found = spec.tap(name).normed, is_normed(tokens)
        if found and not declared and _shows_through(encoder, clips, name):
            continue
        require(
            found == declared,
            f"{name}: normed={declared} is declared, features {'are' if found else 'are not'} normed: "
            f"declare TapSpec(..., normed={found}), or read them {'behind' if declared else 'before'} the norm",
        )


def _shows_through(encoder: Encoder, clips: Tensor, tap: str) -> bool:
    """Whether a tap looks normed because of a norm before its blocks: small layer scales leave what that gave.

    Then the last module that runs for the tap is none, and others of the model are.
    """
    with watch_modules() as calls:
        encoder.encode(clips, [tap])
    leaves = [type(call.module).__name__ for call in calls.finished if not list(call.module.children())]
    return bool(leaves) and "Norm" not in leaves[-1] and any("Norm" in leaf for leaf in leaves)


def check_batch_invariance(encoder: Encoder, spec: EncoderSpec) -> None:
    """One by one equals together. Raises: ConformanceError."""
    clips = random_clips(SIZE, batch=3, seed=5)
    together = encode_all(encoder, clips, spec)
    for index in range(3):
        for name, tokens in encode_all(encoder, clips[index : index + 1], spec).items():
            what = f"{name}: picture {index} alone against in a batch"
            require_same(tokens, together[name][index : index + 1], what, advice=BY_ITSELF)


def check_unequal_sizes(spec: EncoderSpec, request: BuildRequest) -> None:
    """Pictures of unequal sizes go through ``encode_pictures`` in one call, and each comes back on its own grid, as an
    encoder that never saw another size gives it. Raises: ConformanceError.

    The two oblong sizes have equally many cells: a position table or a grid remembered by their number is found.
    """
    clips = [random_clips(size, seed=13)[0] for size in (SIZE, SIZE[::-1], (SIZE[0], SIZE[0]), SIZE)]
    taps = [tap.name for tap in spec.taps]
    together = encode_pictures(spec.build(request), clips, taps)
    fresh = {size: spec.build(request) for size in {tuple(clip.shape[-2:]) for clip in clips}}
    for index, (clip, found) in enumerate(zip(clips, together, strict=True)):
        rows, cols = size = tuple(clip.shape[-2:])
        alone = encode_all(fresh[size], clip.unsqueeze(0), spec)
        for name in taps:
            what = f"{name}: picture {index} of {rows}x{cols} px among other sizes against alone"
            require_same(found[name], alone[name][0], what)


def check_early_stop(encoder: Encoder, spec: EncoderSpec) -> None:
    """One tap alone gives what all taps together give, and a shallow tap runs less of the model. Raises:
    ConformanceError."""
    clips = random_clips(SIZE, seed=6)
    everything = encode_all(encoder, clips, spec)
    work: dict[str, int] = {}
    for tap in spec.taps:
        with watch_modules() as calls:
            alone = encoder.encode(clips, [tap.name])
        require(list(alone) == [tap.name], f"asked for {tap.name} alone, got {sorted(alone)}")
        require_same(alone[tap.name].tokens, everything[tap.name], f"{tap.name}: alone against with all taps")
        work[tap.name] = len(calls)
    for shallow, deep in zip(spec.taps, spec.taps[1:], strict=False):
        strictly = _index(shallow) is not None and _index(deep) is not None
        order = work[shallow.name] < work[deep.name] if strictly else work[shallow.name] <= work[deep.name]
        require(
            order,
            f"{shallow.name} runs {work[shallow.name]} modules, {deep.name} runs {work[deep.name]}: taps stand shallow "
            "to deep, and encode runs only as deep as the deepest tap asked for (of a CNN, run "
            "stage by stage and stop behind it)",
        )
    first, last = spec.taps[0].name, spec.taps[-1].name
    require(
        first == last or work[first] < work[last],
        f"{first} runs as many modules as {last} ({work[last]}): stop behind the deepest tap that is asked for",
    )


def check_block_index(encoder: Encoder, spec: EncoderSpec, prefix: str = "block", *, first: int = 0) -> None:
    """``block.k`` is the output of block number k.

    The modules of one class, in the order in which they are first called, are the blocks; every token of the tap must
    be found among the output of its own block.

    Args:
        encoder: Built.
        spec: Its spec.
        prefix: What stands before the number.
        first: Number of the first block: 0 where taps are numbered like blocks, 1 where the number says how many blocks
            ran (``llm.14``; ``llm.00`` is then no block and is left out).

    Raises: ConformanceError.
    """
    numbered = [(index - first, tap) for tap in spec.taps if (index := _index(tap, prefix)) is not None]
    taps = [(index, tap) for index, tap in numbered if index >= 0]
    if not taps:
        return
    with watch_modules() as calls:
        grids = encoder.encode(random_clips(SIZE, seed=7), [tap.name for _, tap in taps])
    candidates = [outputs for outputs in calls.outputs_by_class().values() if len(outputs) > taps[-1][0]]
    hits = [[_holds(outputs[index], grids[tap.name].tokens) for index, tap in taps] for outputs in candidates]
    best = max(hits, key=sum, default=[False] * len(taps))
    wrong = [tap.name for (_, tap), hit in zip(taps, best, strict=True) if not hit]
    require(not wrong, f"{wrong[0] if wrong else ''}: its tokens are not among the output of the block of that number")


def check_frames(encoder: Encoder, spec: EncoderSpec, ordered: Callable[[str], bool]) -> None:
    """A clip gives ``T / stride_frames`` slots, and exchanging slots exchanges features where order does not matter.

    Raises: ConformanceError.
    """
    longest = max(tap.stride_frames for tap in spec.taps)
    clips = random_clips(SIZE, frames=3 * longest, seed=8)
    turned = encode_all(encoder, _exchange_thirds(clips), spec)
    for name, tokens in encode_all(encoder, clips, spec).items():
        slots = 3 * longest // spec.tap(name).stride_frames
        require(tokens.shape[1] == slots, f"{name}: {3 * longest} frames give {tokens.shape[1]} slots, not {slots}")
        if not ordered(name):
            require_same(turned[name], _exchange_thirds(tokens), f"{name}: frames exchanged against slots exchanged")


def check_seed(spec: EncoderSpec, request: BuildRequest) -> None:
    """One seed gives one model, another seed another; trained weights know no seed. Raises: ConformanceError."""
    clips = random_clips(SIZE, seed=9)
    first = encode_all(spec.build(request), clips, spec)
    again = encode_all(spec.build(request), clips, spec)
    other = encode_all(spec.build(replace(request, seed=request.seed + 1)), clips, spec)
    for name, tokens in first.items():
        require_same(again[name], tokens, f"{name}: two builds with seed {request.seed}", tolerance=1e-6)
        apart = f"{name}: seeds {request.seed} and {request.seed + 1}"
        if request.weights == "random":
            require_other(other[name], tokens, apart)
        else:
            require_same(other[name], tokens, f"{apart} with {request.weights} weights", tolerance=1e-6)


def check_global_state(spec: EncoderSpec, request: BuildRequest) -> None:
    """Building and encoding neither use nor move the global generators, and encoding repeats. Raises:
    ConformanceError."""
    clips = random_clips(SIZE, seed=10)
    results = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        with global_generators_kept("building"):
            encoder = spec.build(request)
        with global_generators_kept("encoding"):
            results += [encode_all(encoder, clips, spec), encode_all(encoder, clips, spec)]
    for name, tokens in results[0].items():
        require_same(results[1][name], tokens, f"{name}: the same clip encoded twice", tolerance=1e-6, advice=BY_ITSELF)
        require_same(results[2][name], tokens, f"{name}: built under another global seed", tolerance=1e-6)


def check_attention(spec: EncoderSpec, request: BuildRequest) -> None:
    """``eager`` and ``sdpa`` give the same features, and the facts name the one that ran. Raises: ConformanceError."""
    clips = random_clips(SIZE, seed=11)
    results = {}
    for attention in [name for name in ("eager", "sdpa") if name in spec.attention]:
        encoder = spec.build(replace(request, attention=attention))
        ran = encoder.facts()["attention"]
        require(ran == attention, f"attention {attention} was asked for, facts say {ran}")
        results[attention] = encode_all(encoder, clips, spec)
    for name, tokens in results.get("sdpa", {}).items():
        if "eager" in results:
            require_same(tokens, results["eager"][name], f"{name}: sdpa against eager")


def check_bfloat16(spec: EncoderSpec, request: BuildRequest) -> None:
    """Half precision is finite, close to single precision, and named in the facts. Raises: ConformanceError."""
    clips = random_clips(SIZE, seed=12)
    single = encode_all(spec.build(request), clips, spec)
    encoder = spec.build(replace(request, dtype="bfloat16"))
    require(encoder.facts()["dtype"] == "bfloat16", f"built for bfloat16, facts say {encoder.facts()['dtype']}")
    for name, tokens in encode_all(encoder, clips, spec).items():
        require(bool(torch.isfinite(tokens).all()), f"{name}: features are not finite in bfloat16")
        difference = relative_difference(tokens.float(), single[name].float())
        require(difference < 1.0, f"{name}: bfloat16 differs from float32 by {difference:.2g} root mean squares")


def _exchange_thirds(clips: Tensor) -> Tensor:
    """Time in the order middle, first, last third: not cyclic, so that it commutes with no shift. [B, T, ...]"""
    first, middle, last = clips.chunk(3, dim=1)
    return torch.cat([middle, first, last], dim=1)


def _index(tap: TapSpec, prefix: str = "block") -> int | None:
    found = re.fullmatch(rf"{re.escape(prefix)}\.(\d+)", tap.name)
    return int(found[1]) if found else None


def _holds(output: Tensor, tokens: Tensor) -> bool:
    """Whether sampled tokens are rows of a block's output, wherever they stand in it."""
    width = tokens.shape[-1]
    layouts = [output] if output.shape[-1] == width else []
    if output.ndim == 4 and output.shape[1] == width:
        layouts.append(output.movedim(1, -1))
    wanted = tokens.reshape(-1, width)[:: max(1, tokens[..., 0].numel() // 5)].double()
    scale = float(wanted.norm(dim=-1).mean())
    return any(
        float(torch.cdist(wanted, layout.reshape(-1, width).double()).amin(1).max()) < 1e-4 * scale
        for layout in layouts
    )
