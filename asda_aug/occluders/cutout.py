"""The control that only covers: rectangles of one colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.occluders.paste_parts import PasteParts
from asda_aug.occluders.rectangles import rectangle
from asda_aug.ranges import as_range
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError

NAME = "cutout"
SIDES = (0.2, 0.4)
Fill = tuple[int, int, int] | Literal["noise"]


class Cutout(Occluder):
    """Covers people with rectangles of one colour (DeVries & Taylor 2017; CoarseDropout of RTMPose and Sapiens).

    Args:
        like: A :class:`~asda_aug.occluders.paste_parts.PasteParts` whose parts are each replaced by a rectangle of
            the same area, proportions and middle: what is left is covering without semantics. None draws one rectangle.
        size: Without ``like``, range of its sides as shares of the person's box, None is (0.2, 0.4); its middle is
            uniform in the box.
        fill: RGB colour, or ``"noise"``.
        **options: Of :class:`~asda_aug.occluders.occluder.Occluder`: ``p``, ``on_occlusion``, ``person``, ``adapter`` …

    Raises:
        ConfigError: If an option is wrong.
    """

    def __init__(
        self,
        like: PasteParts | None = None,
        *,
        size: float | tuple[float, float] | None = None,
        fill: Fill = (0, 0, 0),
        **options: Any,
    ) -> None:
        if like is not None and size is not None:
            raise ConfigError("size has no effect beside like, whose parts give it")
        super().__init__(**(options if like is None else options_like(like, options)))
        if fill != "noise" and (isinstance(fill, str) or not _is_colour(fill)):
            raise ConfigError(f"fill must be 'noise' or three numbers from 0 to 255, but got {fill!r}")
        self.like, self.fill = like, fill
        self.size = as_range(SIDES if size is None else size, "size", 1e-3, 1)

    @property
    def anchor(self) -> str:
        """What the rectangles are placed relative to."""
        return "image" if self.like is None else self.like.anchor

    @property
    def names(self) -> tuple[str, ...]:
        """What a rectangle is called."""
        return (NAME,)

    def draw(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Decide which rectangles are covered."""
        if self.like is not None:
            return [self._instead_of(paste, scene, rng) for paste in self.like.draw(scene, rng)]
        chosen = self.choose_person(scene, scene.size, rng)
        if chosen is None:
            return []
        person, (x0, y0, x1, y1) = chosen
        middle_x, middle_y, share_x, share_y = rng.random(4).tolist()
        low, high = self.size
        width, height = (
            (low + share * (high - low)) * side for share, side in ((share_x, x1 - x0), (share_y, y1 - y0))
        )
        middle = (x0 + middle_x * (x1 - x0), y0 + middle_y * (y1 - y0))
        return [self._rectangle(middle, width, height, scene, rng, person, chosen[1])]

    def _instead_of(self, paste: Paste, scene: Scene, rng: np.random.Generator) -> Paste:
        height, width = paste.part.mask.shape
        area = covered_area(paste)
        middle = paste.matrix @ (width / 2, height / 2, 1)
        wide = math.sqrt(area * width / height)
        return self._rectangle((middle[0], middle[1]), wide, area / wide, scene, rng, paste.person, paste.box)

    def _rectangle(
        self,
        middle: tuple[float, float],
        width: float,
        height: float,
        scene: Scene,
        rng: np.random.Generator,
        person: int,
        box: tuple[float, float, float, float],
    ) -> Paste:
        # A rectangle far larger than the image would only cost memory.
        limits = [2 * side for side in scene.size]
        columns, rows = (max(1, min(limit, round(side))) for limit, side in zip(limits, (width, height), strict=True))
        rgb: NDArray[np.uint8] = np.empty((rows, columns, 3), np.uint8)
        rgb[:] = rng.integers(0, 256, rgb.shape, np.uint8) if self.fill == "noise" else self.fill
        left, top = round(middle[0] - columns / 2), round(middle[1] - rows / 2)
        return rectangle(rgb, left, top, NAME, person, box)


def options_like(like: PasteParts, options: dict[str, Any]) -> dict[str, Any]:
    """Options of an occluder that stands in for another: those of the other, where they are not given."""
    if not isinstance(like, PasteParts):
        raise ConfigError(f"like must be a PasteParts, but got {like!r}; pass PasteParts(pool)")
    idle = [name for name in ("person", "person_box") if name in options]
    if idle:
        raise ConfigError(f"{' and '.join(idle)} have no effect beside like; pass them to PasteParts")
    return {"p": like.p, "on_occlusion": like.on_occlusion, "adapter": like.adapter, **options}


def _is_colour(fill: Any) -> bool:
    return isinstance(fill, Sequence) and len(fill) == 3 and all(0 <= value <= 255 for value in fill)


def covered_area(paste: Paste) -> float:
    """Pixels of the image that a paste's mask covers, if all of it lies within."""
    (a, b, _), (c, d, _) = paste.matrix.tolist()
    return abs(a * d - b * c) * int(np.count_nonzero(paste.part.mask))
