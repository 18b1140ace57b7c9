"""Parts that are not pasted but travel with the sample, to be pasted on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from asda_aug.batch.part_batch import PartBatch
from asda_aug.dataset.first_sample import warn
from asda_aug.errors import AdapterError
from asda_aug.occluders.occluder import Occluder, Paste, coloured
from asda_aug.occluders.paste_parts import PasteParts
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError
from partpool.pool.part import Part

MARGIN = 2
"""Transparent pixels around the part in its tile, at least."""
COLOURS = 3


def part_batch(scene: Scene, pastes: Sequence[Paste], max_parts: int, tile: int) -> PartBatch:
    """The drawn parts of one sample as tensors of a fixed size.

    Args:
        scene: The scene. Keypoints are those of the person that the first part is for.
        pastes: What was drawn.
        max_parts: N, places for parts; the rest is not valid.
        tile: S, side of a tile in pixels.
    """
    patch = np.zeros((max_parts, COLOURS + 1, tile, tile), np.uint8)
    size = np.ones((max_parts, 2), np.float32)
    class_id = np.zeros(max_parts, np.int64)
    diagonal, scale = np.ones(max_parts, np.float32), np.ones(max_parts, np.float32)
    frame = np.ones((max_parts, 4), np.float32)
    valid = np.zeros(max_parts, bool)
    for place, (paste, (part, _)) in enumerate(zip(pastes, coloured(scene, pastes), strict=True)):
        size[place], grown = _fill(patch[place], part, tile, scene.bgr)
        class_id[place], valid[place] = paste.part.class_id, True
        diagonal[place], scale[place] = paste.diagonal * grown, paste.placement.s
        frame[place] = paste.frame
    person = pastes[0].person if pastes else 0
    box = pastes[0].box if pastes else (0.0, 0.0, 0.0, 0.0)
    known = scene.people > 0
    count = scene.keypoints.shape[1]
    points = scene.keypoints[person] if known else np.zeros((count, 2))
    labelled = scene.labelled[person] if known else np.zeros(count, bool)
    return PartBatch(
        patch=torch.from_numpy(patch),
        size=torch.from_numpy(size),
        class_id=torch.from_numpy(class_id),
        diagonal=torch.from_numpy(diagonal),
        scale=torch.from_numpy(scale),
        frame=torch.from_numpy(frame),
        valid=torch.from_numpy(valid),
        points=torch.from_numpy(points.astype(np.float32)),
        labelled=torch.from_numpy(labelled.copy()),
        person=torch.tensor(box, dtype=torch.float32),
        mean=_per_channel(scene.mean, 0.0),
        std=_per_channel(scene.std, 1.0),
    )


def check_colours(scene: Scene) -> None:
    """Make sure that parts of three colours fit the image.

    Raises:
        AdapterError: If it is grey.
    """
    channels = scene.pixels.shape[2]
    if channels != COLOURS:
        raise AdapterError(f"defer=True needs images of {COLOURS} channels, but the first sample has {channels}")


def _fill(place: NDArray[np.uint8], part: Part, tile: int, bgr: bool) -> tuple[tuple[int, int], float]:
    """Draw a part into the middle of a tile [4, S, S].

    Returns:
        Width and height of the part in the tile, and by how much its aligned diagonal grew: a side that cannot be
        centred on whole pixels gets another transparent row or column.
    """
    rgb, mask = part.rgb, part.mask.view(np.uint8) * np.uint8(255)
    height, width = mask.shape
    scale = (tile - 2 * MARGIN) / max(height, width)
    if scale < 1:
        width, height = max(1, int(scale * width)), max(1, int(scale * height))
        rgb, mask = (cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA) for pixels in (rgb, mask))
    wide, high = width + (tile - width) % 2, height + (tile - height) % 2
    left, top = (tile - wide) // 2, (tile - high) // 2
    around = (top, tile - top - height, left, tile - left - width)
    colour = cv2.copyMakeBorder(rgb, *around, cv2.BORDER_REPLICATE)
    place[:COLOURS] = (colour[..., ::-1] if bgr else colour).transpose(2, 0, 1)
    place[COLOURS] = cv2.copyMakeBorder(mask, *around, cv2.BORDER_CONSTANT, value=0)
    return (wide, high), float(np.hypot(wide, high) / np.hypot(width, height))


def _per_channel(colours: Any, default: float) -> torch.Tensor:
    filled = np.full(COLOURS, default) if colours is None else np.broadcast_to(np.asarray(colours, float), COLOURS)
    return torch.tensor(np.array(filled), dtype=torch.float32)


def check_deferral(occluder: Occluder, tile: int, mask: bool, inplace: bool) -> None:
    """Refuse options of a data set that parts cannot be deferred with, and warn of those without effect.

    Raises:
        ConfigError: If there is one.
    """
    if not isinstance(occluder, PasteParts):
        raise ConfigError(f"only parts of a pool can be deferred, but got {type(occluder).__name__}")
    if mask:
        raise ConfigError("mask=True needs pasted parts; with defer=True asda_aug.compose returns the coverage")
    if not 16 <= tile <= 1024:
        raise ConfigError(f"tile must lie in [16, 1024] pixels, but got {tile}")
    if occluder.feather != (1.0, 1.0) or occluder.on_occlusion != "keep" or inplace:
        warn("feather, on_occlusion and inplace have no effect with defer=True; whoever pastes decides on them")
    if occluder.anchor == "own-joint":
        warn("anchor='own-joint' is 'joint' with defer=True: a tile has no keypoints")
