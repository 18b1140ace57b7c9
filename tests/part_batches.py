"""Batches of deferred parts, made by hand: random smooth tiles, or parts of a pool."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from asda_aug.batch.part_batch import PartBatch
from asda_aug.placement import Frame, Matrix, Placement, forward_matrix


def random_parts(
    rng: np.random.Generator, shape: tuple[int, int], *, batch: int = 1, number: int = 1, side: int = 48,
    scale: tuple[float, float] = (0.55, 1.5), classes: int = 26, points: int = 16,
) -> PartBatch:  # fmt: skip
    """Smooth tiles with a part in the middle, for images of that height and width.

    Args:
        rng: Decides everything.
        shape: Height and width of the images.
        batch: B.
        number: N.
        side: S.
        scale: Range of image pixels per tile pixel at s = 1.
        classes: Number of part classes.
        points: K.
    """
    colour = rng.uniform(0, 255, (batch * number, side, side, 3))
    colour = np.stack([cv2.GaussianBlur(tile, (0, 0), 2.5) for tile in colour])
    # As wide or as high as the side less an even number, so that the middle of both is the same.
    size = side - 2 * rng.integers(2, max(3, side // 3), (batch * number, 2))
    mask = np.zeros((batch * number, side, side, 1))
    for tile, (width, height) in zip(mask, size.tolist(), strict=True):
        left, top = (side - width) // 2, (side - height) // 2
        tile[top : top + height, left : left + width] = 255
    patch = np.concatenate([colour, mask], axis=-1).transpose(0, 3, 1, 2).astype(np.uint8)
    diagonal = np.hypot(*size.T) * rng.uniform(*scale, batch * number)
    height, width = shape
    return PartBatch(
        patch=torch.from_numpy(patch).unflatten(0, (batch, number)),
        size=torch.from_numpy(size).float().unflatten(0, (batch, number)),
        class_id=torch.from_numpy(rng.integers(0, classes, (batch, number))),
        diagonal=torch.from_numpy(diagonal).float().unflatten(0, (batch, number)),
        scale=torch.from_numpy(rng.uniform(0.7, 1.3, (batch, number))).float(),
        frame=torch.tensor([*Frame.of_image(width, height)]).expand(batch, number, 4).clone(),
        valid=torch.ones(batch, number, dtype=torch.bool),
        points=torch.from_numpy(rng.uniform(0.1, 0.9, (batch, points, 2)) * [width, height]).float(),
        labelled=torch.ones(batch, points, dtype=torch.bool),
        person=torch.tensor([0.1 * width, 0.1 * height, 0.9 * width, 0.9 * height]).expand(batch, 4).clone(),
        mean=torch.tensor([0.485, 0.456, 0.406]).expand(batch, 3).clone(),
        std=torch.tensor([0.229, 0.224, 0.225]).expand(batch, 3).clone(),
    )


def random_theta(rng: np.random.Generator, parts: PartBatch) -> torch.Tensor:
    """Placements in and about the image, float32 [B, N, 4], with the scale that the parts have."""
    low, high = [-math.pi / 2, -1.2, -1.2], [math.pi / 2, 1.2, 1.2]
    drawn = torch.from_numpy(rng.uniform(low, high, (*parts.valid.shape, 3))).float()
    return torch.cat([parts.scale[..., None], drawn], dim=-1)


def tile_matrix(parts: PartBatch, theta: torch.Tensor, sample: int, number: int) -> Matrix:
    """The map from pixels of a tile to pixels of the image, float64 [2, 3]."""
    size = parts.size[sample, number].double().numpy()
    placement = Placement(*theta[sample, number].double().tolist())
    frame = Frame(*parts.frame[sample, number].double().tolist())
    matrix = forward_matrix(placement, tuple(size.tolist()), float(parts.diagonal[sample, number]), frame)
    matrix[:, 2] -= matrix[:, :2] @ ((parts.patch.shape[-1] - size) / 2)
    return matrix


def layers(
    parts: PartBatch, theta: torch.Tensor, sample: int
) -> Sequence[tuple[NDArray[np.float64], NDArray[np.float64], Matrix]]:
    """The parts of a sample as the pasting oracle takes them, in normalised colours."""
    result = []
    for number in range(theta.shape[1]):
        if not parts.valid[sample, number]:
            continue
        tile = parts.patch[sample, number].double().numpy().transpose(1, 2, 0) / 255
        colour = (tile[..., :3] - parts.mean[sample].double().numpy()) / parts.std[sample].double().numpy()
        result.append((colour, tile[..., 3], tile_matrix(parts, theta, sample, number)))
    return result
