"""Semantic data augmentation: body parts from a pool, pasted over people (ASDA §3.1)."""

from __future__ import annotations

import inspect
import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from asda_aug.occluders.occluder import Occluder, Paste
from asda_aug.pasting.warp import MAX_FEATHER
from asda_aug.placement import Matrix, forward_matrix
from asda_aug.ranges import Span, as_range, draw_from
from asda_aug.sampling.part_size import Align, aligned_diagonal, check_alignment
from asda_aug.sampling.placers import Placer, RandomPlacer, Target
from asda_aug.sampling.sampler import ClassWeights, PartSampler
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError
from partpool.pool.part import Part
from partpool.pool.reader import PartPool
from partpool.pool.stored_part import StoredPart
from partpool.taxonomy.keypoints import MPII_KEYPOINTS
from partpool.taxonomy.part_classes import PartClass


class PasteParts(Occluder):
    """Pastes body parts from a pool over the people of a sample.

    A transform for ``torchvision.transforms.v2.Compose`` and anything else that calls it with a sample; best before
    normalisation. ``ASDADataset`` makes one of the options that it is given.

    Args:
        pool: A pool, or the path of its file.
        num_parts: Parts per sample; a collection is drawn from uniformly. The paper finds 1 best and 4 harmful.
        classes: Names of the part classes to use; None is all.
        class_weights: How often each class is drawn, by name, or an object whose ``probabilities()`` say it.
        min_parts: Classes with fewer parts in the pool are left out, and named once.
        sampler: A sampler of your own instead of the four options above.
        placer: Where parts go; None is :class:`~asda_aug.sampling.placers.RandomPlacer`.
        align: Size of a part at s = 1: ``"class"``, ``"reference"`` or ``"natural"``, see
            :func:`~asda_aug.sampling.part_size.aligned_diagonal`.
        flip: Probability that a part is mirrored; it becomes a part of the other side.
        feather: Width of the soft edge in pixels, or a range that it is drawn from, rounded.
        blend: ``"paste"``, or ``"harmonize"``: colours are moved towards those around the person.
        harmonize_strength: How far, 0 to 1, or a range that it is drawn from; None is (0, 1).
        **options: Of :class:`~asda_aug.occluders.occluder.Occluder`: ``p``, ``on_occlusion``, ``person``, ``adapter`` …

    Raises:
        ConfigError: If an option is wrong or has no effect beside another.
        PoolError: If the pool cannot be read.
    """

    def __init__(
        self,
        pool: PartPool | str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        num_parts: int | Collection[int] = 1,
        classes: Collection[str] | None = None,
        class_weights: Mapping[str, float] | ClassWeights | None = None,
        min_parts: int = 20,
        sampler: PartSampler | None = None,
        placer: Placer | None = None,
        align: Align = "class",
        flip: float = 0.0,
        feather: Span = 1.0,
        blend: Literal["paste", "harmonize"] = "paste",
        harmonize_strength: Span | None = None,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.pool = pool if isinstance(pool, PartPool) else PartPool(pool)
        if sampler is not None and (num_parts, classes, class_weights, min_parts) != (1, None, None, 20):
            raise ConfigError("num_parts, classes, class_weights and min_parts belong to the sampler that was passed")
        if sampler is not None and not _same_pool(sampler.pool, self.pool):
            raise ConfigError(f"the sampler draws from {sampler.pool!r}, another pool than {self.pool!r}")
        self.sampler = sampler or PartSampler(self.pool, num_parts, classes, class_weights, min_parts)
        self.placer: Placer = RandomPlacer() if placer is None else placer
        if isinstance(placer, type) or not hasattr(self.placer, "place"):
            raise ConfigError(f"placer must be an object that can place, such as JointPlacer(), but got {placer!r}")
        self.align = check_alignment(align)
        if not 0 <= flip <= 1:
            raise ConfigError(f"flip must lie in [0, 1], but got {flip}")
        if blend not in ("paste", "harmonize"):
            raise ConfigError(f"blend must be 'paste' or 'harmonize', but got {blend!r}")
        self.flip = flip
        if blend == "paste" and harmonize_strength is not None:
            raise ConfigError("harmonize_strength has no effect with blend='paste'; pass blend='harmonize'")
        self.feather = as_range(feather, "feather", 0, MAX_FEATHER)
        strength = (0.0, 1.0) if harmonize_strength is None else harmonize_strength
        self.harmonize_strength = as_range(strength if blend == "harmonize" else 0, "harmonize_strength", 0, 1)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.pool!r}, num_parts={self.sampler.num_parts}, placer={self.placer!r})"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the part classes."""
        return self.pool.taxonomy.names

    @property
    def anchor(self) -> str:
        """What the placer places parts relative to."""
        return getattr(self.placer, "anchor", "image")

    @property
    def max_parts(self) -> int:
        """Largest number of parts on one sample."""
        return self.sampler.num_parts[-1]

    def draw(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Decide which parts go where; their pixels are not read yet."""
        size = scene.size
        drawn: list[tuple[int, Part | StoredPart, bool]] = []
        targets: list[Target] = []
        for index in self.sampler.draw(rng):
            chosen = self.choose_person(scene, size, rng)
            if chosen is None:
                return []
            part: Part | StoredPart = self.pool.later(index)
            flipped = self.flip > 0 and rng.random() < self.flip
            if flipped:
                part = part.hflip()
            drawn.append((index, part, flipped))
            targets.append(Target(part.class_id, self.pool.classes[part.class_id], *chosen))
        placed = self.placer.place(rng, scene, size, targets)
        own_joints = self.anchor == "own-joint"
        pastes = []
        for (index, part, flipped), target, (placement, frame, joint) in zip(drawn, targets, placed, strict=True):
            diagonal = aligned_diagonal(part, target.part_class, target.box, self.align)
            matrix = forward_matrix(placement, part.size, diagonal, frame)
            if own_joints and joint is not None:
                matrix = _joint_on_joint(matrix, part, target.part_class, scene.keypoint_names, joint)
            pastes.append(
                Paste(
                    part, matrix, target.person, target.box, index, placement, frame, joint, diagonal, flipped,
                    draw_from(rng, self.feather), draw_from(rng, self.harmonize_strength),
                )
            )  # fmt: skip
        return pastes


def paste_parts(pool: Any, options: dict[str, Any]) -> PasteParts:
    """A :class:`PasteParts` of the options that were passed to the data set.

    Raises:
        ConfigError: If there is no such option, or one is wrong.
    """
    known = inspect.signature(PasteParts).parameters | inspect.signature(Occluder).parameters
    unknown = [name for name in options if name not in known or name in ("pool", "options")]
    if unknown:
        listed = ", ".join(name for name in known if name not in ("pool", "options"))
        raise ConfigError(f"there is no option {', '.join(unknown)}; besides its own, ASDADataset takes: {listed}")
    return PasteParts(pool, **options)


def _joint_on_joint(
    matrix: Matrix, part: Part | StoredPart, part_class: PartClass, names: Sequence[str] | None, joint: int
) -> Matrix:
    """The matrix moved so that the part's own keypoint lands where its middle would, if it is known."""
    name = names[joint] if names is not None and joint < len(names) else None
    if part.keypoints is None or name not in MPII_KEYPOINTS or name not in part_class.keypoints:
        return matrix
    own = part.keypoints[MPII_KEYPOINTS.index(name), :2].astype(np.float64)
    if not np.isfinite(own).all():
        return matrix
    width, height = part.size
    moved = matrix.copy()
    moved[:, 2] += matrix[:, :2] @ (np.array([width / 2, height / 2]) - own)
    return moved


def _same_pool(one: PartPool, other: PartPool) -> bool:
    return one is other or one.info() == other.info()
