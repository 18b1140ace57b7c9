"""What parts cover where θ puts them: joints, the person, or nothing at all. Hard masks, no gradient, no picture."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from asda_aug.batch.part_batch import PartBatch
from asda_aug.batch.tile_maps import tile_maps

GRID = 12
"""Points along each side of the person's box, and of a part, at which coverage is looked up."""


class Occupancy(NamedTuple):
    """What the parts of each sample cover.

    Attributes:
        joints: Share of the labelled joints, [B].
        person: Share of the person's box, [B].
        off_frame: Parts of which nothing lies in the image, bool [B, N].
    """

    joints: Tensor
    person: Tensor
    off_frame: Tensor


@torch.no_grad()
def occupancy(parts: PartBatch, theta: Tensor, size: tuple[int, int]) -> Occupancy:
    """Look up what is covered.

    Args:
        parts: The parts.
        theta: s, r, tx, ty, floating [B, N, 4].
        size: Width and height of the images.
    """
    maps = tile_maps(parts, theta.detach())
    grid = _grid(theta)
    low, high = parts.person[:, None, :2], parts.person[:, None, 2:]
    points = torch.cat([parts.points, low + (high - low) * (grid + 0.5)], dim=1).to(theta.dtype)
    hit = _mask_at(parts, _apply(maps.inverse, points[:, None])).any(dim=1)
    number = parts.points.shape[1]
    joints = (hit[:, :number] & parts.labelled).sum(dim=1) / parts.labelled.sum(dim=1).clamp(min=1)
    spots = grid * parts.size[:, :, None].to(theta.dtype)
    x, y = _apply(maps.forward, spots).unbind(-1)
    inside = (x >= 0) & (y >= 0) & (x < size[0]) & (y < size[1])
    seen = (_mask_at(parts, spots) & inside).any(dim=-1)
    return Occupancy(joints, hit[:, number:].float().mean(dim=1), parts.valid & ~seen)


def _grid(like: Tensor) -> Tensor:
    """Points in (−½, ½)², [GRID², 2]."""
    line = (torch.arange(GRID, dtype=like.dtype, device=like.device) + 0.5) / GRID - 0.5
    return torch.cartesian_prod(line, line)


def _apply(maps: Tensor, points: Tensor) -> Tensor:
    """Points [B, 1 or N, P, 2] through maps [B, N, 2, 3]."""
    return points @ maps[..., :2].transpose(-1, -2) + maps[..., None, :, 2]


def _mask_at(parts: PartBatch, points: Tensor) -> Tensor:
    """Whether the hard mask of each part covers points of its tile, [B, N, P, 2] → [B, N, P]."""
    side = parts.patch.shape[-1]
    column, row = torch.floor(points + side / 2).unbind(-1)
    inside = (column >= 0) & (row >= 0) & (column < side) & (row < side) & parts.valid[..., None]
    index = torch.where(inside, row * side + column, 0.0).long()
    return inside & (parts.patch[:, :, 3].flatten(2).gather(-1, index) > 127)
