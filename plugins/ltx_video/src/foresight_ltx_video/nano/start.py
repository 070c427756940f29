"""Starting values of the nano autoencoder: its layers are set to a chain of principal components, linear in pixels.

From random values the class needs days on two cores before it shows anything. All its blocks are residual, so that with
their last layers at zero it is a chain of the few layers that change resolution, and those are set by arithmetic. The
norm and the activation before the last layer of both halves are nearly linear around a large constant.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from foresight_ltx_video.nano.principal import Basis, balanced_turn, pieces, principal_basis, turned

LEVELS = (4, 8, 16, 32)
"""Sides of what one cell covers, in pixels, from the patch to the latent."""
SILU_AT_ONE = 0.7310585786
SLOPE_AT_ONE = 0.9276705119
SWING = 0.15
"""Root mean square of what is around the constant, in units of the constant."""
QUIET = 0.02
"""Deviation of latents that the posterior declares, and that training draws: one number for all."""
NORMAL, CAUSAL = 1, 2
"""Time tap that reads the present frame, without and with causal padding."""


@torch.no_grad()
def start_from_principal_components(vae: Any, pictures: Tensor, seed: int) -> None:
    """Set every layer so that a picture is coded by principal components and decoded from them.

    Args:
        vae: An ``AutoencoderKLLTXVideo`` of even encoder width whose decoder halves its width at every step up.
        pictures: Training pictures in [-1, 1]. [N, 3, H_px, W_px]
        seed: Of the rotations of the codes.
    """
    generator = torch.Generator().manual_seed(seed)
    for module in vae.modules():
        if hasattr(module, "conv2"):
            nn.init.zeros_(module.conv2.conv.weight)
            nn.init.zeros_(module.conv2.conv.bias)
    width = vae.config.block_out_channels[0]
    full = [
        principal_basis(pictures, side, count)
        for side, count in zip(LEVELS, (48, width, width, width - 1), strict=True)
    ]
    coded = [*full[:3], turned(full[3], balanced_turn(width, width - 1, generator))]
    _set_encoder(vae, coded, pictures, generator)
    _set_decoder(vae, full, coded[3], pictures, generator)


def _set_encoder(vae: Any, bases: list[Basis], pictures: Tensor, generator: torch.Generator) -> None:
    encoder = vae.encoder
    first = bases[0]
    order = patch_order(4)
    weight, bias = cleared(encoder.conv_in.conv, spare=True)
    held = first.components.shape[1]
    weight[:held] = 0
    weight[:held, :, CAUSAL, 1, 1] = first.components[order].T
    bias[:held] = -first.components.T @ first.mean
    codes = _codes(pictures, bases[3])
    constant = float(codes.square().mean().sqrt()) / SWING
    for level in range(3):
        fine, coarse = bases[level], bases[level + 1]
        _, gather, shares = pieces(fine, coarse)
        weight, bias = cleared(encoder.down_blocks[level].downsamplers[0].conv)
        count, held = gather.shape[2:]
        for time in (1, 2):  # the two newest of the three frames: together the steps cover eight frames evenly
            for y in (0, 1):
                for x in (0, 1):
                    weight[:count, :held, time, 1 + y, 1 + x] = gather[y, x] / 2
        bias[:count] = shares.sum((0, 1)) + (constant if level == 2 else 0.0)
    weight, bias = cleared(encoder.conv_out.conv)
    latents, held = vae.config.latent_channels, len(bases[3].components.T)
    spread = torch.linalg.qr(torch.randn(latents, held, generator=generator, dtype=torch.float64))[0].float()
    vae.register_buffer("_spread", spread, persistent=False)
    weight[:latents, :, CAUSAL, 1, 1] = spread * constant / SLOPE_AT_ONE
    bias[:latents] = -weight[:latents, :, CAUSAL, 1, 1].sum(1) * SILU_AT_ONE
    bias[latents] = 2 * torch.log(torch.tensor(QUIET * constant))


def _set_decoder(vae: Any, full: list[Basis], coded: Basis, pictures: Tensor, generator: torch.Generator) -> None:
    decoder = vae.decoder
    widths = [decoder.conv_in.conv.out_channels]
    for _ in range(3):
        widths.append(widths[-1] // 2)
    weight, bias = cleared(decoder.conv_in.conv, spare=True)
    held = coded.components.shape[1]
    weight[:held] = 0
    weight[:held, :, NORMAL, 1, 1] = vae._spread.T
    bias[:held] = 0
    fine = principal_basis(pictures, 4, widths[3] - 1)
    fine = turned(fine, balanced_turn(widths[3], widths[3] - 1, generator))
    steps = [
        coded,
        _kept(full[2], widths[1]),
        principal_basis(pictures, 8, widths[2]),
        fine,
    ]
    constant = float(_codes(pictures, fine).square().mean().sqrt()) / SWING
    for level in range(3):
        coarse, finer = steps[level], steps[level + 1]
        rows, gather, _ = pieces(finer, coarse)
        weight, bias = cleared(decoder.up_blocks[level].upsamplers[0].conv.conv, spare=True)
        shaped = weight.reshape(-1, 2, 2, 2, *weight.shape[1:])
        offsets = bias.reshape(-1, 2, 2, 2)
        have, known = finer.components.shape[1], coarse.components.shape[1]
        shaped[:have] = 0
        for y in (0, 1):
            for x in (0, 1):
                shift = finer.components.T @ (coarse.mean[rows[y, x]] - finer.mean)
                for time in (0, 1):
                    shaped[:have, time, y, x, :known, NORMAL, 1, 1] = gather[y, x].T
                    offsets[:have, time, y, x] = shift + (constant if level == 2 else 0.0)
    weight, bias = cleared(decoder.conv_out.conv)
    order = patch_order(4)
    weight[:, :, NORMAL, 1, 1] = fine.components[order] * constant / SLOPE_AT_ONE
    bias[:] = fine.mean[order] - weight[:, :, NORMAL, 1, 1].sum(1) * SILU_AT_ONE


def patch_order(side: int) -> Tensor:
    """Where the class's channel (colour, column, row) lies in a patch ordered colour, row, column. [3 * side**2]"""
    return torch.arange(3 * side**2).reshape(3, side, side).transpose(1, 2).flatten()


def _kept(basis: Basis, count: int) -> Basis:
    return Basis(basis.side, basis.components[:, :count], basis.mean)


def _codes(pictures: Tensor, basis: Basis) -> Tensor:
    """Codes of the patches of the first pictures. [M, k]"""
    patches = torch.nn.functional.pixel_unshuffle(pictures[:256], basis.side).permute(0, 2, 3, 1).flatten(0, 2)
    return (patches - basis.mean) @ basis.components


def cleared(conv: nn.Conv3d, *, spare: bool = False) -> tuple[Tensor, Tensor]:
    """Weight and bias, zeroed; with ``spare`` at a tenth of their random values, for channels that nothing sets."""
    assert conv.bias is not None
    conv.weight.mul_(0.1 if spare else 0.0)
    conv.bias.zero_()
    return conv.weight, conv.bias
