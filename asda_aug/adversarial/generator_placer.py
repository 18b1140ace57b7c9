"""A trained generator as a placer, so that data set workers paste where it says."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from asda_aug.adversarial.generator import Classes, Generator
from asda_aug.errors import CheckpointError
from asda_aug.placement import Placement
from asda_aug.ranges import Span, as_range, draw_from
from asda_aug.sampling.placers import FAR, SMALLEST, Anchor, Placed, Target, find_frame
from asda_aug.scene.normalisation import as_rgb_bytes
from asda_aug.scene.scene import Scene
from partpool.errors import ConfigError


class GeneratorPlacer:
    """Puts parts where a generator says; the scale is drawn (ASDA §3.2).

    Runs on the CPU, in each worker; the generator is read when a worker first needs it. Images are converted to the
    normalisation and channel order that the generator was trained with.

    Args:
        path: File that ``Generator.save`` wrote.
        s: Range of the scale, or one number.
        anchor: What shifts are relative to, as in training: ``"image"`` or ``"joint"``
            (:class:`~asda_aug.sampling.placers.RandomPlacer`).
        classes: The pool's classes, to refuse a generator for others here, and not at its first part.

    Raises:
        CheckpointError: If the file is no generator, or for other classes.
        ConfigError: If the range or the anchor is wrong.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        s: Span = (0.7, 1.3),
        anchor: Anchor = "image",
        classes: Classes | None = None,
    ) -> None:
        if anchor not in ("image", "joint"):
            raise ConfigError(f"anchor must be 'image' or 'joint', but got {anchor!r}")
        self.path, self.s, self.anchor = os.fspath(path), as_range(s, "s", SMALLEST, FAR), anchor
        self.classes = Generator.load(self.path, classes=classes).classes
        self._generator: Generator | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r}, s={self.s}, anchor={self.anchor!r})"

    def __getstate__(self) -> dict[str, object]:
        # Workers read the file themselves: it is smaller than what would be sent to each of them.
        return {**self.__dict__, "_generator": None}

    def place(
        self, rng: np.random.Generator, scene: Scene, size: tuple[int, int], targets: Sequence[Target]
    ) -> list[Placed]:
        """A place for every target.

        Raises:
            CheckpointError: If a part's class is not the generator's of that number.
        """
        theta = self._predict(scene) if targets else np.zeros((0, 3))
        placed = []
        for target in targets:
            name = target.part_class.name
            if target.class_id >= len(self.classes) or self.classes[target.class_id] != name:
                raise CheckpointError(
                    f"{self.path} was trained for other classes: number {target.class_id} of the pool is {name!r}; "
                    "use the pool that it was trained with"
                )
            placement = Placement(draw_from(rng, self.s), *theta[target.class_id].tolist())
            placed.append(Placed(placement, *find_frame(self.anchor, rng, scene, size, target)))
        return placed

    @torch.no_grad()
    def _predict(self, scene: Scene) -> NDArray[np.float64]:
        """r, tx, ty for every class, float64 [n_classes, 3]."""
        if self._generator is None:
            self._generator = Generator.load(self.path).eval()
        return self._generator(_normalised(scene, self._generator))[0].double().numpy()


def _normalised(scene: Scene, generator: Generator) -> Tensor:
    """A scene's image as the generator knows them, [1, 3, H, W]."""
    pixels = as_rgb_bytes(scene.pixels, scene.mean, scene.std, scene.bgr)
    image = torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1))).float() / 255
    if generator.bgr:
        image = image.flip(0)
    mean, std = (torch.tensor(colours).view(3, 1, 1) for colours in (generator.mean, generator.std))
    return ((image - mean) / std)[None]
