"""Random occlusion and repetition of keypoints (Ke et al., Multi-Scale Structure-Aware Network, ECCV 2018, §3.4).

"Keypoint masking" simulates occlusion by a patch of background over a keypoint, and several similar keypoints by a copy
of a keypoint's patch on background nearby. ASDA's tables call it ROR.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.occluders.rectangles import rectangle
from asda_aug.scene.normalisation import as_rgb_bytes
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError

TRIES = 20
"""Places that are tried before a patch is given up."""

OCCLUSION, REPETITION = "occlusion", "repetition"
Corner = tuple[int, int]


class ROR(Occluder):
    """Copies patches of the image itself: background over a keypoint, or a keypoint onto background nearby.

    The patches of a float image are rounded to bytes, half a grey level at most.

    Args:
        num_patches: Patches per sample.
        occlude: Probability that a patch covers a keypoint; otherwise one is repeated.
        size: Range of the square patch's side as a share of the diagonal of the person's box.
        reach: Range of a repeated patch's distance from its keypoint, in sides.
        **options: Of :class:`~asda_aug.occluders.occluder.Occluder`: ``p``, ``on_occlusion``, ``person``, ``adapter`` …

    Raises:
        ConfigError: If an option is wrong.
    """

    def __init__(
        self,
        *,
        num_patches: int = 1,
        occlude: float = 0.5,
        size: tuple[float, float] = (0.06, 0.15),
        reach: tuple[float, float] = (1.0, 2.5),
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if num_patches < 1:
            raise ConfigError(f"num_patches must be at least 1, but got {num_patches}")
        if not 0 <= occlude <= 1:
            raise ConfigError(f"occlude must lie in [0, 1], but got {occlude}")
        if not 0 < size[0] <= size[1] <= 1:
            raise ConfigError(f"size must be a range in (0, 1], but got {size}")
        if not 0 < reach[0] <= reach[1]:
            raise ConfigError(f"reach must be a range above 0, but got {reach}")
        self.num_patches, self.occlude, self.size, self.reach = num_patches, occlude, size, reach

    @property
    def names(self) -> tuple[str, ...]:
        """What the two kinds of patches are called."""
        return (OCCLUSION, REPETITION)

    def draw(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Decide which patches are copied where."""
        pixels = scene.pixels
        height, width = pixels.shape[:2]
        chosen = self.choose_person(scene, (width, height), rng)
        if chosen is None:
            return []
        person, box = chosen
        everybody = scene.keypoints[scene.labelled]
        own = scene.keypoints[person][scene.labelled[person]]
        own = own[((own >= 0) & (own < (width, height))).all(axis=1)]
        if not len(own):
            return []
        diagonal = math.hypot(box[2] - box[0], box[3] - box[1])
        pastes = []
        for _ in range(self.num_patches):
            side = max(3, round(diagonal * float(rng.uniform(*self.size))))
            if side > min(width, height):
                continue
            keypoint = own[rng.integers(len(own))]
            hides = rng.random() < self.occlude
            around_it = _corner(keypoint, side, (width, height))
            elsewhere = self._background(rng, everybody, own, None if hides else keypoint, side, (width, height))
            if elsewhere is None:
                continue
            (x, y), goal = (elsewhere, around_it) if hides else (around_it, elsewhere)
            rgb = as_rgb_bytes(pixels[y : y + side, x : x + side], scene.mean, scene.std, scene.bgr).copy()
            pastes.append(rectangle(rgb, *goal, OCCLUSION if hides else REPETITION, person, box))
        return pastes

    def _background(
        self,
        rng: np.random.Generator,
        keypoints: NDArray[np.float64],
        body: NDArray[np.float64],
        near: NDArray[np.float64] | None,
        side: int,
        size: tuple[int, int],
    ) -> Corner | None:
        """A patch without a keypoint, anywhere or near one, if possible beside the body; None if none is found."""
        low, high = body.min(axis=0), body.max(axis=0)
        between: Corner | None = None
        for _ in range(TRIES):
            if near is None:
                corner = (int(rng.integers(size[0] - side + 1)), int(rng.integers(size[1] - side + 1)))
            else:
                distance, angle = side * float(rng.uniform(*self.reach)), float(rng.uniform(0, 2 * math.pi))
                point = near + (distance * math.cos(angle), distance * math.sin(angle))
                if not ((point >= 0) & (point < size)).all():
                    continue
                corner = _corner(point, side, size)
            end = np.add(corner, side)
            if ((keypoints >= corner) & (keypoints < end)).all(axis=1).any():
                continue
            if (end <= low).any() or (corner > high).any():
                return corner
            between = between or corner
        return between


def _corner(point: NDArray[np.float64], side: int, size: tuple[int, int]) -> Corner:
    """Corner of the patch around a point, moved into the image."""
    x, y = (
        min(max(0, math.floor(value - side / 2 + 0.5)), limit - side)
        for value, limit in zip(point.tolist(), size, strict=True)
    )
    return x, y
