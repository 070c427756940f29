"""Specs of the two kinds that load weights: encoders and decoders."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from foresight_harness.contracts.specs.latent_space import LatentSpace

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Decoder, Encoder
    from foresight_harness.contracts.specs.weights import PublishedWeights

WeightsKind = Literal["pretrained", "nano", "random"]
"""What is asked for: ``pretrained`` (trained elsewhere, published or not), ``nano`` (trained by a script of this
repository), ``random`` (seed). What was then loaded is a kind of ``weights.Provenance``."""

Role = Literal["candidate", "floor", "ceiling", "twin"]
"""What a part is for: under test; a control whose right answer is known from below or from above; or the same
architecture as one under test with random weights, which says what training is worth."""


@dataclass(frozen=True)
class BuildRequest:
    """What the harness asks for when it builds an encoder or a decoder."""

    weights: WeightsKind = "random"
    source: str | None = None
    """Local folder in the published layout, or a Hub id; None means the spec's own ``repo``."""
    seed: int = 0
    """Seed of random weights."""
    device: str = "cpu"
    dtype: str = "float32"
    attention: str = "auto"
    """``auto``, ``sdpa``, ``eager`` or ``flash_attention_2``; see ``foresight_harness.parts.weights.attention``."""
    input_px: int | None = None
    """Side of the picture that the encoder resizes to, in pixels; None means the spec's ``input_px``."""
    taps: tuple[str, ...] = ()
    """Taps that the run will read, as far as it knows: what they need beside the model that is built at once (blocks of
    a language model) is refused before anything is built where memory does not hold both. Decides no feature."""
    quantize: str = "none"
    """``8bit`` or ``4bit``: what matrices of a checkpoint are quantised to when it is loaded."""
    device_map: str = "none"
    """``auto`` spreads the model over all GPUs."""


@dataclass(frozen=True)
class TapSpec:
    """A named place in an encoder where features are read."""

    name: str
    """``patch_embed``, ``block.07``, ``pre_merge``, ``post_merge``, ``llm.14``, ``last`` ..."""
    width: int
    """Channels of one token."""
    stride_px: int
    """Pixels of the encoder's own (resized) input per token, along rows and along columns."""
    normed: bool = False
    """Whether the features went through a norm of the model's own after the last block."""
    stride_frames: int = 1
    """Input frames per temporal slot."""
    margin_px: int = 0
    """Of the input's side, what is no token: windows that are not padded up to the border end before it."""
    predicted: bool = False
    """Whether the grid shows what the model says is there (boxes that it predicts, drawn on cells) and not what each
    cell sees: then cells may be empty or equal to their neighbours, and random weights predict anywhere."""

    def cells(self, side_px: int) -> int:
        """Tokens along a side of the input, at least one."""
        return max(1, (side_px - self.margin_px) // self.stride_px)


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder on offer. ``build`` imports torch; nothing else here does."""

    name: str
    build: Callable[[BuildRequest], Encoder]
    taps: tuple[TapSpec, ...]
    """Shallow to deep."""
    default_tap: str
    input_px: int
    """Default side of the resized picture."""
    family: str = ""
    """Plugin family, for grouping in reports (``dinov2``, ``qwen2_5_vl``)."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    """Declared resize rule, interpolation, mean and std: in the cache key and in reports, checked by conformance."""
    config: Mapping[str, Any] = field(default_factory=dict)
    """Published configuration as data (JSON types only): part of the cache key."""
    params: int | None = None
    """Parameters of the whole model at this configuration."""
    weights: tuple[WeightsKind, ...] = ("random", "pretrained")
    objective: str | None = None
    """What its training asked for, as an infinitive (``say what``). All rows of a ``family`` that state one have
    the same architecture, start and pictures, and differ in what was asked alone."""
    repo: str | None = None
    revision: str | None = None
    published: PublishedWeights | None = None
    """Files of the published weights with their hashes, as far as known: what ``weights fetch`` gets, and what loaded
    files are held to."""
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    """``tiny``: the real class at a small configuration, cheap enough for a smoke run."""
    role: Role = "candidate"
    inputs: Literal["clips", "masks", "grids"] = "clips"
    """What ``encode`` is given: clips; object coverage and the painted scene ``[B, T, 4, H_px, W_px]``; or another
    encoder's grids."""
    derives_from: str | None = None
    """The encoder that this one is a variant of: with ``inputs="grids"`` that one's cached grids are transformed, at no
    forward of its own; else it is the same model, fed otherwise."""
    twin_of: str | None = None
    """The encoder whose architecture this one has, with random weights of its own (``random:alexnet``)."""
    derive: Callable[[EncoderSpec], EncoderSpec] | None = None
    """For families of variants: ``name:OTHER`` asks ``derive(OTHER)`` (``shuffled:dinov2_tiny``). A family without taps
    means nothing by its bare name."""
    fixed_input: bool = False
    """True where the model takes pictures of ``input_px`` only."""
    view_of: str | None = None
    """The encoder that this one is another way of reading pictures with, by its design (``llava_next_7b:hires`` reads
    tiles): an input policy that feeds all encoders equally leaves its size to it."""
    attention: tuple[str, ...] = ("eager", "sdpa")
    """Attention implementations that the architecture supports."""
    quantize: tuple[str, ...] = ()
    """Formats that its plugin can quantise a checkpoint to when it loads one: of ``8bit`` and ``4bit``."""
    device_map: bool = False
    """Whether its plugin can spread a checkpoint over several GPUs."""
    environment: tuple[str, ...] = ()
    """Environment variables whose values decide features: part of the cache key, and no other part may change them."""
    expand: Callable[[str], EncoderSpec] | None = None
    """For open families: ``name:argument`` asks ``expand(argument)`` (``timm:vit_base_patch16_224``)."""
    tolerance_cells: float = 0.0
    """Tokens by which the network sees the picture beside the token's own place, at any tap: for networks that cannot
    centre their cells. A half is granted to convolutions wider than their stride without being declared."""

    def tap(self, name: str) -> TapSpec:
        """The tap of that name. Raises: KeyError."""
        return {tap.name: tap for tap in self.taps}[name]


OWN = "own"
"""``DecoderSpec.adapter`` of a decoder that reads the conditioning itself."""


@dataclass(frozen=True)
class DecoderSpec:
    """A decoder on offer, read through its latent space."""

    name: str
    build: Callable[[BuildRequest], Decoder]
    latent_space: LatentSpace
    adapter: str = "linear"
    """Map that the harness fits from conditioning grid to latents: ``linear`` (closed form), ``conv`` (trained) or
    ``budget`` (trained, of ``adapter_params``). ``own``: the decoder brings adapter, loss and sampler
    (``protocols.ConditionedDecoder``)."""
    adapter_choices: Mapping[str, Any] = field(default_factory=dict)
    """Of an ``own`` adapter: arguments that ``build_adapter`` is called with (JSON types)."""
    adapter_cells: Literal["gathered", "averaged"] = "gathered"
    """Of a ``linear`` adapter: what it reads of the tokens that share a latent cell, all of them side by side or only
    their mean."""
    tuning: Mapping[str, Any] = field(default_factory=dict)
    """Of an ``own`` adapter: arguments that ``build_tuning`` is called with (JSON types; protocols say them); empty
    where the decoder is frozen under every recipe."""
    loss: str | None = None
    """Of an ``own`` adapter: name of the loss that it is fitted by, for the protocol (``flow_matching``)."""
    adapter_params: int | None = None
    """Parameters of a ``budget`` adapter, met within 5 %."""
    derives_from: str | None = None
    """The decoder whose latent space this one reads through another adapter (``adapter_5m:NAME``)."""
    family: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    params: int | None = None
    weights: tuple[WeightsKind, ...] = ("random", "pretrained")
    repo: str | None = None
    subfolder: str | tuple[str, ...] | None = None
    """Part of a pipeline checkpoint that holds the weights; several where a decoder needs several."""
    revision: str | None = None
    published: PublishedWeights | None = None
    """As for encoders."""
    license: str | None = None
    size: Literal["tiny", "published"] = "published"
    weightless: bool = False
    """True for a fixed transform (pixels): it has no provenance to state and may pass gates."""
    environment: tuple[str, ...] = ()
    """As for encoders."""
    expand: Callable[[str], DecoderSpec] | None = None

    @property
    def base(self) -> str:
        """The decoder that is built: candidates that differ in the adapter alone share its latents and references."""
        return self.derives_from or self.name
