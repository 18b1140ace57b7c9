"""Where θ puts the tiles of a :class:`~asda_aug.batch.part_batch.PartBatch`: the batched form of ``forward_matrix``."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from asda_aug.batch.part_batch import PartBatch


class TileMaps(NamedTuple):
    """Maps between pixels of the image and those of each tile, the latter counted from the tile's middle.

    Attributes:
        forward: [B, N, 2, 3], from the tile to the image.
        inverse: [B, N, 2, 3], from the image to the tile.
        scale: [B, N], image pixels per tile pixel.
    """

    forward: Tensor
    inverse: Tensor
    scale: Tensor


def tile_maps(parts: PartBatch, theta: Tensor) -> TileMaps:
    """The maps of all parts, differentiable in θ; the identity's where there is no part, whatever stands there.

    Args:
        parts: The parts.
        theta: s, r, tx, ty, floating [B, N, 4].
    """
    here = parts.valid[..., None]
    s, r, tx, ty = torch.where(here, theta, theta.new_tensor([1.0, 0.0, 0.0, 0.0])).unbind(-1)
    frame = torch.where(here, parts.frame, 0.0).to(theta.dtype)
    x, y = (frame[..., :2] + torch.stack([tx, ty], dim=-1) * frame[..., 2:]).unbind(-1)
    aligned = parts.diagonal / torch.linalg.vector_norm(parts.size, dim=-1)
    scale = s * torch.where(parts.valid, aligned, 1.0).to(theta.dtype)
    cos, sin = torch.cos(r), torch.sin(r)
    forward = torch.stack([scale * cos, -scale * sin, x, scale * sin, scale * cos, y], dim=-1)
    across, down = cos / scale, sin / scale
    inverse = torch.stack(
        [across, down, -across * x - down * y, -down, across, down * x - across * y], dim=-1
    )  # fmt: skip
    shape = (*theta.shape[:2], 2, 3)
    return TileMaps(forward.reshape(shape), inverse.reshape(shape), scale)
