"""What built parts can do. One method each; shapes in the docstrings; torch is imported for types only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Generator, Tensor, nn

    from foresight_harness.contracts.specs.grid_shape import GridShape
    from foresight_harness.contracts.specs.latent_space import LatentSpace
    from foresight_harness.contracts.token_grids import TokenGrid


@runtime_checkable
class Encoder(Protocol):
    """Clips in, token grids out. Owns its preprocessing; runs only as deep as the deepest tap asked for."""

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features at the named taps.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px] float32 on the encoder's device. With ``inputs="masks"``
                object coverage and the painted scene [B, T, 4, H_px, W_px] (``parts.datasets.scenes.painted``); with
                ``inputs="grids"`` another encoder's tokens [B, T, H, W, C].
            taps: Names of the encoder's own ``TapSpec``s.

        Returns:
            One grid per tap, raster order, row 0 on top, prefix tokens gone, finite. Gradients are not kept.
        """
        ...

    def facts(self) -> Mapping[str, Any]:
        """What was really used: at least ``attention`` (str), ``dtype`` (str), ``params`` (int)."""
        ...


class Extractor(Protocol):
    """An ``nn.Module``: the taps of one encoder in, one stream out."""

    def __call__(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H, W, C_i] each, in the order the candidate names the taps -> [B, T, H, W, C]."""
        ...


class Enhancer(Protocol):
    """An ``nn.Module``: a stream in, a spatially sharper grid out."""

    def __call__(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H', W', C']; with ``uses_image`` a second argument, clips [B, T, 3, H_px, W_px]."""
        ...


class Fusion(Protocol):
    """An ``nn.Module``: one or more grids in, one conditioning grid or token set out.

    A module whose tokens look from fixed places may say so by an attribute ``anchors`` ([N, 2], x and y in units of the
    picture): readers of the set then start by reading near each cell.
    """

    def __call__(self, grids: Sequence[Tensor]) -> Tensor:
        """[B, T, H_i, W_i, C_i] each -> [B, T, H, W, C]; a token set is [B, T, 1, N, C]."""
        ...


@runtime_checkable
class ReadsStreams(Fusion, Protocol):
    """A fusion that attends to the tokens of several streams at once, and can say how much to each."""

    def stream_shares(self, grids: Sequence[Tensor]) -> Tensor:
        """What every query reads of each stream, mean over heads and over the layers that read streams.

        Called only where a run was asked to keep it (``--stream-shares``); ``__call__`` must not depend on it.

        Args:
            grids: As ``__call__`` is given them. [B, T, H_i, W_i, C_i] each

        Returns:
            Queries on the raster that they look from, row 0 on top; one row where they have no places. Never negative;
            sums to 1 over the streams. [B, T, rows, columns, streams]
        """
        ...


@runtime_checkable
class Decoder(Protocol):
    """A latent space with a way in (targets and ceiling) and a way out."""

    latent_space: LatentSpace

    def encode(self, clips: Tensor) -> Tensor:
        """Pixels in [0, 1] [B, T, 3, H_px, W_px] -> normalised latents [B, T', H', W', C], rows before columns."""
        ...

    def decode(self, latents: Tensor) -> Tensor:
        """Normalised latents [B, T', H', W', C] -> pixels [B, T, 3, H_px, W_px], clamped to [0, 1]."""
        ...

    def facts(self) -> Mapping[str, Any]:
        """What was really used: at least ``dtype`` (str) and ``params`` (int)."""
        ...


@runtime_checkable
class ConditionedDecoder(Decoder, Protocol):
    """A decoder that reads the conditioning itself (``adapter="own"``): a frozen generator behind a trained adapter."""

    def build_adapter(self, shape: GridShape, **choices: Any) -> nn.Module:
        """The trained part: conditioning grid [B, T, H, W, C] -> whatever ``loss`` and ``sample`` take.

        Args:
            shape: Of the conditioning.
            choices: The spec's ``adapter_choices``.

        Weights are drawn from torch's global generator, which the harness seeds.
        """
        ...

    def loss(self, prompts: Tensor, latents: Tensor, generator: Generator) -> Tensor:
        """What the adapter is fitted by, with gradients to ``prompts`` alone.

        Args:
            prompts: What the adapter made of the conditioning. [B, ...]
            latents: Of the same clips. [B, T', H', W', C]
            generator: On the CPU; the only source of noise.

        Returns:
            [B] float32
        """
        ...

    def sample(self, prompts: Tensor, size: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
        """Latents [B, T', H', W', C] of ``size`` (T', H', W'); the seed of each sample alone decides its noise."""
        ...

    def adapter_facts(self, adapter: nn.Module) -> Mapping[str, Any]:
        """For the record: JSON types; ``positions_in_tokens`` (bool) says whether places are in what is read."""
        ...


@runtime_checkable
class TunableDecoder(ConditionedDecoder, Protocol):
    """A generator that a fit may change by a few parameters of the fit's own, its weights as they are."""

    def build_tuning(self, **choices: Any) -> nn.Module:
        """Parameters that change the generator, by nothing before they are trained.

        Args:
            choices: The spec's ``tuning``.

        Drawn from torch's global generator, which the harness seeds; they belong to one fit, of several that share the
        generator.
        """
        ...

    def tuned(self, tuning: nn.Module) -> AbstractContextManager[None]:
        """Within, ``loss`` and ``sample`` go through the changed generator, ``loss`` with gradients to ``tuning`` too;
        afterwards it is what it was, to the bit."""
        ...


@runtime_checkable
class FirstFrameDecoder(ConditionedDecoder, Protocol):
    """A generator that can also be given the first frame itself, as a reference for what conditioning is worth."""

    def continue_first(self, clips: Tensor, seeds: Sequence[int]) -> Tensor:
        """Of clips [B, T, 3, H_px, W_px] only frame 0 is read -> latents [B, T', H', W', C]; seeds as ``sample``."""
        ...


@dataclass(frozen=True)
class Sample:
    """One picture (T = 1) or clip with what is known about it."""

    id: str
    """Unique within data set and split."""
    group: str
    """Source picture or video: samples of one group are resampled together (the bootstrap's cluster)."""
    clip: Tensor
    """Pixels in [0, 1]. [T, 3, H_px, W_px] float32"""
    boxes: Tensor
    """xyxy relative to width and height, in [0, 1]. [T, N, 4] float32; N = 0 where the set has no boxes."""
    masks: Tensor | None = None
    """One mask an object, cut to the visible part. [T, N, H_px, W_px] bool"""
    labels: tuple[str, ...] = ()
    """Class name of each object; N of them, or empty."""
    crowds: Tensor | None = None
    """Regions of many objects, xyxy in [0, 1]: what is found in them is neither right nor wrong. [T, K, 4] float32;
    None where there are none."""
    crowd_labels: tuple[str, ...] = ()
    """Class name of each crowd; K of them, or empty."""
    motion: Mapping[str, Any] = field(default_factory=dict)
    """Motion labels of a clip: ``frames`` (numbers of the frames shown in their source, in order) and, where known,
    ``direction`` (0 to 7, clockwise from rightwards), ``directions`` (one a frame), ``speed`` (sides of the picture a
    frame), ``action`` (class of the whole clip), ``collisions`` (times in frames at which two objects meet)."""


@runtime_checkable
class Dataset(Protocol):
    """Samples of one split; indexing is deterministic and repeatable.

    A set may also carry ``left_out`` (what of its source was not taken, and how many: a mapping of words to counts) and
    ``remarks`` (sentences, a tuple): a run says both.
    """

    name: str
    split: str

    @property
    def fingerprint(self) -> str:
        """sha256 over content or generator, split, count, seed and canvas: equal exactly where the samples are equal.

        A plain attribute will do; a set that must read all its files for it may do so when it is asked.
        """
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...


@runtime_checkable
class PlantsAnswers(Protocol):
    """A data set of clips that can also show what would have been wrong: what suite ``verification`` asks with."""

    plants: tuple[str, ...]
    """Kinds of wrong answers: ``elsewhere``, ``kind``, ``direction``, ``frozen``, ``swapped``."""

    def planted(self, index: int, wrong: str | None) -> Sample:
        """An answer to the question of what that sample shows, in other light and noise, of equal frames and size.

        Args:
            index: Of the sample.
            wrong: One of ``plants``; None is the right answer, the same event seen again.
        """
        ...


class ClipFeatures(Protocol):
    """A frozen network from clips to features, for metrics that compare sets of clips (FVD)."""

    def __call__(self, clips: Tensor) -> Tensor:
        """Clips in [0, 1] [B, T, 3, H_px, W_px] -> one row a clip, whatever its neighbours. [B, d] float64"""
        ...

    def facts(self) -> Mapping[str, Any]:
        """Which network: at least ``sha256`` of its weights (str), for the protocol. JSON types."""
        ...


class Metric(Protocol):
    """One value per sample; never a mean. Pure."""

    def __call__(self, output: Any, target: Any) -> Tensor:
        """Compare.

        Args:
            output: ``compares="pictures"``: decoded clips in [0, 1] [B, T, 3, H_px, W_px].
                ``compares="boxes"``: a list of B predicted boxes [N_i, 4], best first, as many as there are objects.
            target: The same of the truth; for ``compares="objects"`` decoded clips meet a pair of target clips and B
                masks [T, N_i, H_px, W_px] bool.

        Returns:
            One value per sample, NaN where the metric is undefined. [B] float64
        """
        ...
