"""Tiles at several resolutions in one picture, so that a part can be drawn at any size without aliasing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

LEVELS = range(5)
"""How often a tile can be halved: parts drawn down to 1/32 of their tile's size do not alias."""


class Atlas(NamedTuple):
    """P tiles, each with its halvings beside it.

    Every halving has a ring of one cell more, of the same colour and transparent, so that a clamped coordinate finds
    the colour going on and the mask ending.

    Attributes:
        picture: [P, 4, height, width], colour and mask.
        corner: [P, 2], x and y of the halving that each tile is to be drawn from, without its ring.
        cells: [P, 2], its width and height.
        reduction: [P], tile pixels per cell of it.
    """

    picture: Tensor
    corner: Tensor
    cells: Tensor
    reduction: Tensor


def level_for(scale: Tensor) -> Tensor:
    """How often a tile is halved before it is drawn at that scale: not at all from half its size on; as ``scale``."""
    return torch.where(scale < 0.5, -torch.log2(scale).round(), 0.0).clamp(LEVELS[0], LEVELS[-1])


@torch.no_grad()
def make_atlas(tiles: Tensor, scale: Tensor, levels: Sequence[int] = LEVELS) -> Atlas:
    """Halve tiles and choose what each is drawn from.

    Args:
        tiles: Floating [P, 4, h, w], the mask last.
        scale: Image pixels per tile pixel, [P].
        levels: How often to halve, consecutive numbers; all that are chosen must be among them.
    """
    halved = [functional.avg_pool2d(tiles, 2**level, ceil_mode=True) if level else tiles for level in levels]
    places, (height, width) = _places(tuple(tuple(tile.shape[-2:]) for tile in halved))
    picture = tiles.new_zeros(*tiles.shape[:2], height, width)
    for tile, (x, y, columns, rows) in zip(halved, places, strict=True):
        ringed = picture[:, :, y - 1 : y + rows + 1, x - 1 : x + columns + 1]
        ringed[..., 1:-1, 1:-1] = tile
        colour = ringed[:, :3]
        colour[..., 1:-1, [0, -1]] = colour[..., 1:-1, [1, -2]]
        colour[..., [0, -1], :] = colour[..., [1, -2], :]
    level = level_for(scale)
    chosen = scale.new_tensor(places)[level.long() - levels[0]]
    return Atlas(picture, chosen[:, :2], chosen[:, 2:], torch.exp2(level))


@cache
def _places(shapes: tuple[tuple[int, ...], ...]) -> tuple[list[tuple[int, int, int, int]], tuple[int, int]]:
    """Left, top, columns and rows of each halving: the first at the left, the others below each other beside it.

    And the height and width of it all.
    """
    places, x, y = [], 1, 1
    for rows, columns in shapes:
        places.append((x, y, columns, rows))
        x, y = shapes[0][1] + 3, 1 if len(places) == 1 else y + rows + 2
    height = max(top + rows for _, top, _, rows in places) + 1
    width = max(left + columns for left, _, columns, _ in places) + 1
    return places, (height, width)
