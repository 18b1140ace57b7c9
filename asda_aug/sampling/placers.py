"""Where parts are put."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from asda_aug.placement import Frame, Placement
from asda_aug.ranges import Span, as_range, between
from asda_aug.scene.scene import Box, Scene
from partpool.errors import ConfigError
from partpool.taxonomy.part_classes import PartClass

Anchor = Literal["image", "joint", "own-joint"]
ANCHORS: tuple[Anchor, ...] = ("image", "joint", "own-joint")
SMALLEST, FAR = 1e-3, 1e3
"""Beyond these a placement means nothing."""


class Target(NamedTuple):
    """What a part is to be pasted over.

    Attributes:
        class_id: Class of the part.
        part_class: What that class is.
        person: Which person of the scene.
        box: That person's box, x0 y0 x1 y1 in pixels.
    """

    class_id: int
    part_class: PartClass
    person: int
    box: Box


class Placed(NamedTuple):
    """Where a part goes: θ, what it is relative to, and the keypoint that it is anchored on (None: on none)."""

    placement: Placement
    frame: Frame
    joint: int | None


class Placer(Protocol):
    """Puts the parts of one sample somewhere."""

    def place(
        self, rng: np.random.Generator, scene: Scene, size: tuple[int, int], targets: Sequence[Target]
    ) -> list[Placed]:
        """A place for every target; ``size`` is the image's width and height."""
        ...


class RandomPlacer:
    """θ uniform in the neighbourhood of (1, 0, 0, 0) (ASDA §3.1).

    Args:
        s: Range of the scale; like the others, one number stands for a range of it alone.
        r: Range of the rotation in radians.
        tx: Range of the shift to the right in half widths of the frame.
        ty: Range of the shift down in half heights of the frame.
        anchor: ``"image"`` shifts from the middle of a crop, or of the person on a photograph; ``"joint"`` from a
            random labelled keypoint that the part's class covers, in a frame of a quarter of the person's box. Without
            such a keypoint any labelled one in the image serves, without any the image. ``"own-joint"`` is the same,
            but not the middle of the part lands there: the part's own such keypoint does, if the pool knows it.

    Raises:
        ConfigError: If a range is not one, or the anchor is unknown.
    """

    def __init__(
        self,
        s: Span = (0.7, 1.3),
        r: Span = (-math.pi / 6, math.pi / 6),
        tx: Span = (-0.5, 0.5),
        ty: Span = (-0.5, 0.5),
        anchor: Anchor = "image",
    ) -> None:
        if anchor not in ANCHORS:
            raise ConfigError(f"anchor must be one of {', '.join(ANCHORS)}, but got {anchor!r}")
        self.s = as_range(s, "s", SMALLEST, FAR)
        self.r, self.tx, self.ty = (
            as_range(each, name, -FAR, FAR) for name, each in (("r", r), ("tx", tx), ("ty", ty))
        )
        self.anchor = anchor

    def __repr__(self) -> str:
        ranges = ", ".join(f"{name}={getattr(self, name)}" for name in ("s", "r", "tx", "ty"))
        return f"{type(self).__name__}({ranges}, anchor={self.anchor!r})"

    def place(
        self, rng: np.random.Generator, scene: Scene, size: tuple[int, int], targets: Sequence[Target]
    ) -> list[Placed]:
        """Draw a place for every target."""
        return [Placed(self._theta(rng), *find_frame(self.anchor, rng, scene, size, target)) for target in targets]

    def _theta(self, rng: np.random.Generator) -> Placement:
        s, r, tx, ty = rng.random(4).tolist()
        return Placement(between(self.s, s), between(self.r, r), between(self.tx, tx), between(self.ty, ty))


class JointPlacer(RandomPlacer):
    """A :class:`RandomPlacer` around joints; with ``own``, joint on joint."""

    def __init__(
        self,
        s: Span = (0.7, 1.3),
        r: Span = (-math.pi / 6, math.pi / 6),
        tx: Span = (-0.5, 0.5),
        ty: Span = (-0.5, 0.5),
        *,
        own: bool = False,
    ) -> None:
        super().__init__(s, r, tx, ty, anchor="own-joint" if own else "joint")


def find_frame(
    anchor: Anchor, rng: np.random.Generator, scene: Scene, size: tuple[int, int], target: Target
) -> tuple[Frame, int | None]:
    """The frame of a target, and the keypoint it is centred on."""
    if anchor != "image":
        joint = _draw_joint(rng, scene, size, target)
        if joint is not None:
            x, y = scene.keypoints[target.person, joint].tolist()
            x0, y0, x1, y1 = target.box
            return Frame(x, y, (x1 - x0) / 4, (y1 - y0) / 4), joint
    return scene.frame(target.person, size, target.box), None


def _draw_joint(rng: np.random.Generator, scene: Scene, size: tuple[int, int], target: Target) -> int | None:
    points = scene.keypoints[target.person]
    inside: NDArray[np.bool_] = scene.labelled[target.person] & ((points >= 0) & (points < size)).all(axis=1)
    candidates = np.flatnonzero(inside).tolist()
    if scene.keypoint_names is not None:
        wanted = set(target.part_class.keypoints)
        named = len(scene.keypoint_names)
        candidates = [
            joint for joint in candidates if joint < named and scene.keypoint_names[joint] in wanted
        ] or candidates
    return candidates[int(rng.integers(len(candidates)))] if candidates else None
