"""Starting values of ``ltx_video_16px_nano``: principal components of 8 px patches, then of 2 frames of 2 x 2 of them.

As in ``nano/start.py``: all blocks are residual, so that with their last layers at zero the class is a chain of the few
layers that change resolution, and those are set by arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_ltx_video.nano.principal import Basis, balanced_turn, principal_basis, turned
from foresight_ltx_video.nano.start import CAUSAL, NORMAL, SILU_AT_ONE, SLOPE_AT_ONE, cleared, patch_order

PATCH_PX = 8
SWING = 0.04
"""Root mean square of what is around the constant that norms divide by, in units of it: at 0.15 black backgrounds, far
from the mean, are bent so much that digits decode at 23 dB, at 0.04 at 39 dB."""
OF_CLIPS = 0.85
"""Weight of pairs of frames that differ, beside stills whose two frames are one."""
QUIET = 0.05
"""Deviation that the posterior declares at first, in root mean squares of the latents."""


@dataclass(frozen=True)
class Pairs:
    """An affine description of cells: ``codes of 2 frames x 2 x 2 patches = mean + components @ code``."""

    components: Tensor
    """[2, 2, 2, fine, k]: frame, row, column, code of a patch; columns are orthonormal over all four."""
    mean: Tensor
    """[2, 2, 2, fine]"""


@torch.no_grad()
def start_from_pairs(vae: Any, stills: Tensor, clips: Tensor, seed: int) -> None:
    """Set every layer so that cells are coded by principal components and decoded from them.

    Args:
        vae: An ``AutoencoderKLLTXVideo`` with patches of ``PATCH_PX`` and one level.
        stills: In [-1, 1]. [N, 3, H_px, W_px]
        clips: In [-1, 1]; an odd number of frames. [M, T, 3, H_px, W_px]
        seed: Of the rotations of the codes.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in vae.modules():
        if hasattr(module, "conv2"):
            nn.init.zeros_(module.conv2.conv.weight)
            nn.init.zeros_(module.conv2.conv.bias)
    width = vae.config.block_out_channels[0]
    drawn = vae.decoder.conv_out.conv.in_channels
    basis = principal_basis(stills, PATCH_PX, width)
    pairs = principal_pairs(basis, stills, clips, width - 1)
    turn = balanced_turn(width, width - 1, generator)
    pairs = Pairs(pairs.components @ turn.T, pairs.mean)
    spread = torch.linalg.qr(torch.randn(vae.config.latent_channels, width, generator=generator, dtype=torch.float64))[
        0
    ].float()
    size = float(
        (cell_codes(basis, stills[:256].unsqueeze(1)) - pairs.mean)
        .flatten(1)
        .matmul(pairs.components.flatten(0, 3))
        .square()
        .mean()
        .sqrt()
    )
    _set_encoder(vae.encoder, basis, pairs, spread, size)
    fine = principal_basis(stills, PATCH_PX, drawn - 1)
    fine = turned(fine, balanced_turn(drawn, drawn - 1, generator))
    _set_decoder(vae.decoder, basis, pairs, spread, fine, stills)


def principal_pairs(basis: Basis, stills: Tensor, clips: Tensor, count: int) -> Pairs:
    """Principal components of the codes of cells; those of stills count as two equal frames."""
    of_stills, of_clips = cell_codes(basis, stills.unsqueeze(1)), cell_codes(basis, clips)
    shape = of_stills.shape[1:]
    one, other = of_stills.flatten(1).double(), of_clips.flatten(1).double()
    mean = (1 - OF_CLIPS) * one.mean(0) + OF_CLIPS * other.mean(0)
    spread = torch.zeros(len(mean), len(mean), dtype=torch.float64)
    for codes, weight in ((one, 1 - OF_CLIPS), (other, OF_CLIPS)):
        spread += weight * (codes - mean).T @ (codes - mean) / len(codes)
    components = torch.linalg.eigh(spread)[1][:, -count:].flip(1)
    largest = components.gather(0, components.abs().argmax(0, keepdim=True))
    return Pairs((components * largest.sign()).float().reshape(*shape, count), mean.float().reshape(shape))


def cell_codes(basis: Basis, clips: Tensor) -> Tensor:
    """Codes of every cell: the first frame's twice, then those of each pair. [B, T, 3, H, W] -> [N, 2, 2, 2, fine]"""
    paired = torch.cat([clips[:, :1], clips], dim=1)
    codes: Tensor = F.pixel_unshuffle(paired.flatten(0, 1), basis.side).permute(0, 2, 3, 1) - basis.mean
    codes = codes @ basis.components
    count, frames = paired.shape[:2]
    rows, cols, width = codes.shape[1:]
    codes = codes.reshape(count, frames // 2, 2, rows // 2, 2, cols // 2, 2, width)
    return codes.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(0, 3)


def _set_encoder(encoder: Any, basis: Basis, pairs: Pairs, spread: Tensor, size: float) -> None:
    weight, bias = cleared(encoder.conv_in.conv)
    order = patch_order(basis.side)
    weight[:, :, CAUSAL, 1, 1] = basis.components[order].T
    bias[:] = -basis.components.T @ basis.mean
    constant = size / SWING
    weight, bias = cleared(encoder.down_blocks[0].downsamplers[0].conv)
    weight[:, :, 1:, 1:, 1:] = pairs.components.permute(4, 3, 0, 1, 2)  # the newest two of three frames
    bias[:] = constant - pairs.components.flatten(0, 3).T @ pairs.mean.flatten()
    weight, bias = cleared(encoder.conv_out.conv)
    latents = len(spread)
    weight[:latents, :, CAUSAL, 1, 1] = spread * constant / SLOPE_AT_ONE
    bias[:latents] = -weight[:latents, :, CAUSAL, 1, 1].sum(1) * SILU_AT_ONE
    bias[latents] = 2 * torch.log(torch.tensor(QUIET * size))


def _set_decoder(decoder: Any, basis: Basis, pairs: Pairs, spread: Tensor, fine: Basis, stills: Tensor) -> None:
    held = spread.shape[1]
    weight, bias = cleared(decoder.conv_in.conv, spare=True)
    weight[:held] = 0
    weight[:held, :, NORMAL, 1, 1] = spread.T
    patches = F.pixel_unshuffle(stills[:256], fine.side).permute(0, 2, 3, 1).flatten(0, 2)
    constant = float(((patches - fine.mean) @ fine.components).square().mean().sqrt()) / SWING
    weight, bias = cleared(decoder.up_blocks[0].upsamplers[0].conv.conv)
    shaped, offsets = weight.reshape(-1, 2, 2, 2, *weight.shape[1:]), bias.reshape(-1, 2, 2, 2)
    turn = fine.components.T @ basis.components
    shift = fine.components.T @ (basis.mean - fine.mean)
    shaped[:, :, :, :, :held, NORMAL, 1, 1] = torch.einsum("fk,tyxkc->ftyxc", turn, pairs.components)
    offsets[:] = torch.einsum("fk,tyxk->ftyx", turn, pairs.mean) + (shift + constant)[:, None, None, None]
    weight, bias = cleared(decoder.conv_out.conv)
    order = patch_order(fine.side)
    weight[:, :, NORMAL, 1, 1] = fine.components[order] * constant / SLOPE_AT_ONE
    bias[:] = fine.mean[order] - weight[:, :, NORMAL, 1, 1].sum(1) * SILU_AT_ONE
