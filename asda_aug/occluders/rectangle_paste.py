"""The control without an outline: the texture of parts in rectangles."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from asda_aug.occluders.cutout import options_like
from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.occluders.paste_parts import PasteParts
from asda_aug.scene.scene import Scene


class RectanglePaste(Occluder):
    """Pastes rectangles of the texture of body parts: semantics without an outline.

    Every part of ``like`` is drawn as its whole patch, whose colour goes on outside its mask, shrunk to the area of the
    mask; turned and placed as the part would have been.

    Args:
        like: Draws the parts.
        **options: Of :class:`~asda_aug.occluders.occluder.Occluder`: ``p``, ``on_occlusion``, ``person``, ``adapter`` …
    """

    def __init__(self, like: PasteParts, **options: Any) -> None:
        super().__init__(**options_like(like, options))
        self.like = like

    @property
    def anchor(self) -> str:
        """What the patches are placed relative to."""
        return self.like.anchor

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the part classes."""
        return self.like.names

    def draw(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Decide which patches go where."""
        return [_without_outline(paste) for paste in self.like.draw(scene, rng)]


def _without_outline(paste: Paste) -> Paste:
    part = paste.load()
    mask = part.mask
    height, width = mask.shape
    shrink = math.sqrt(np.count_nonzero(mask) / mask.size)
    matrix = paste.matrix.copy()
    middle = matrix @ (width / 2, height / 2, 1)
    matrix[:, :2] *= shrink
    matrix[:, 2] = middle - matrix[:, :2] @ (width / 2, height / 2)
    return replace(paste, part=replace(part, mask=np.ones_like(mask)), matrix=matrix)
