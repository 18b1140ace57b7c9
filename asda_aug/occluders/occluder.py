"""The step that all occluding augmentations share: draw what to paste, then paste it and settle the keypoints.

Drawing and applying are apart. ``draw`` decides everything that is random and returns :class:`Paste` records;
``apply`` takes them and touches pixels and labels, the same way every time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from asda_aug.adapters.adapter import Adapter, ReadsAndWrites
from asda_aug.adapters.auto import AdapterFinder
from asda_aug.adapters.hints import Hints, merge_hints
from asda_aug.pasting.coverage import COVERED, shares
from asda_aug.pasting.harmonize import colour_moments, harmonize
from asda_aug.pasting.paste import paste_into
from asda_aug.placement import Frame, Matrix, Placement
from asda_aug.ranges import NUMBERS
from asda_aug.sampling.seeds import fresh_generator
from asda_aug.scene.image_arrays import like
from asda_aug.scene.normalisation import as_rgb_bytes, copied
from asda_aug.scene.scene import Box, Scene
from partpool.errors import ConfigError
from partpool.pool.part import Part
from partpool.pool.stored_part import StoredPart

IDENTITY = Placement()
OnOcclusion = Literal["keep", "mark", "drop"]
PersonBox = Literal["auto", "joints"]


@dataclass(slots=True, eq=False)
class Paste:
    """One thing that is pasted.

    Attributes:
        part: The part, as it is drawn (mirrored, if it was).
        matrix: Its patch pixels to pixels of the image, float64 [2, 3].
        person: Which person of the scene it is pasted over.
        box: That person's box.
        index: Its index in the pool; None if it comes from none.
        placement: θ.
        frame: What θ is relative to.
        joint: Keypoint that it is anchored on; None if on none.
        diagonal: Its aligned diagonal in pixels.
        flipped: Whether it was mirrored.
        feather: Width of its soft edge in pixels.
        harmonize: How far its colours are moved to the picture's, 0 to 1.
        covered: Labelled keypoints that it covers, as (person, keypoint); filled in by ``apply``.
        seen: Whether it changes the image; filled in by ``apply``.
    """

    part: Part | StoredPart
    matrix: Matrix
    person: int
    box: Box
    index: int | None = None
    placement: Placement = IDENTITY
    frame: Frame | None = None
    joint: int | None = None
    diagonal: float = 0.0
    flipped: bool = False
    feather: float = 0.0
    harmonize: float = 0.0
    covered: list[tuple[int, int]] = field(default_factory=list)
    seen: bool = False

    @property
    def name(self) -> str:
        """Class of the part."""
        return self.part.name

    def load(self) -> Part:
        """The part with its pixels, which are read if they have not been.

        Raises:
            PoolError: If they are damaged.
        """
        self.part = part = self.part.load()
        return part


class Occluder(ABC):
    """Pastes something over the people of a sample.

    As a transform it takes a sample in any form that has a built-in adapter, and returns the same form; its randomness
    is PyTorch's where that is loaded, so workers differ and ``torch.manual_seed`` repeats.

    Args:
        p: Probability that a sample is touched at all.
        on_occlusion: What becomes of a covered keypoint's label: ``"keep"`` leaves it (paper), ``"mark"`` makes it
            occluded (COCO v = 1, MPII visible = 0), ``"drop"`` makes it unlabelled (weight 0).
        person: Which person of a photograph: ``"random"``, ``"largest"``, or an index.
        person_box: What parts are sized by: ``"auto"`` is the annotated box, ``"joints"`` that of the labelled
            keypoints where there are at least six (:meth:`asda_aug.scene.scene.Scene.box`).
        adapter: ``"auto"``, the name of a built-in adapter, or an :class:`~asda_aug.adapters.adapter.Adapter`.
        bgr: As a transform: whether images are BGR; None goes by the adapter.
        skeleton: As a transform: ``"coco"``, ``"mpii"``, ``"lsp"``, ``"crowdpose"`` or keypoint names in order; None
            goes by the number of keypoints.
        photograph: As a transform: whether images are whole photographs; None goes by the adapter.

    Raises:
        ConfigError: If an option is wrong.
    """

    def __init__(
        self,
        *,
        p: float = 1.0,
        on_occlusion: OnOcclusion = "keep",
        person: Literal["random", "largest"] | int = "random",
        person_box: PersonBox = "auto",
        adapter: Adapter | ReadsAndWrites | str = "auto",
        bgr: bool | None = None,
        skeleton: str | Sequence[str] | None = None,
        photograph: bool | None = None,
    ) -> None:
        if not (isinstance(p, NUMBERS) and 0 <= p <= 1):
            raise ConfigError(f"p must lie in [0, 1], but got {p!r}")
        if on_occlusion not in ("keep", "mark", "drop"):
            raise ConfigError(f"on_occlusion must be 'keep', 'mark' or 'drop', but got {on_occlusion!r}")
        if person not in ("random", "largest") and not isinstance(person, (int, np.integer)):
            raise ConfigError(f"person must be 'random', 'largest' or an index, but got {person!r}")
        if person_box not in ("auto", "joints"):
            raise ConfigError(f"person_box must be 'auto' or 'joints', but got {person_box!r}")
        self.p = p
        self.on_occlusion = on_occlusion
        self.person = person
        self.person_box = person_box
        self.adapter = adapter
        self._adapters = AdapterFinder(adapter, merge_hints(Hints(), bgr=bgr, skeleton=skeleton, photograph=photograph))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(p={self.p}, on_occlusion={self.on_occlusion!r})"

    @property
    def anchor(self) -> str:
        """What is pasted is placed relative to this: ``"image"``, or keypoints."""
        return "image"

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """What the things that it pastes are called."""

    @abstractmethod
    def draw(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Decide what is pasted where; reads the scene and changes nothing.

        Returns:
            The pastes in their order; empty if there is nothing to paste or nobody to paste over.
        """

    def apply(
        self, scene: Scene, pastes: Sequence[Paste], *, alpha: bool = False, inplace: bool = False
    ) -> NDArray[np.bool_]:
        """Paste into the scene's image, and mark or drop the keypoints that are covered.

        Args:
            scene: Gets a new image, new ``visible`` or ``labelled``, and ``alpha`` if wanted.
            pastes: What :meth:`draw` decided. Their ``covered`` is filled in.
            alpha: Whether the soft coverage of the whole stack is wanted.
            inplace: Whether the pixels themselves may be written over, instead of a copy.

        Returns:
            Which labelled keypoints are covered, bool [P, K].
        """
        shape = scene.pixels.shape[:2]
        stack = np.zeros(shape, np.float32) if alpha else None
        if pastes:
            _paste_over(scene, pastes, stack, inplace)
        covered = _settle_covered(scene, pastes, shape)
        if self.on_occlusion == "mark":
            scene.visible = scene.visible & ~covered
        elif self.on_occlusion == "drop":
            scene.labelled = scene.labelled & ~covered
        if alpha:
            scene.alpha = stack
        return covered

    def augment(self, scene: Scene, rng: np.random.Generator) -> list[Paste]:
        """Draw and apply, unless chance (``p``) is against it."""
        if self.p < 1 and rng.random() >= self.p:
            return []
        pastes = self.draw(scene, rng)
        if pastes:
            self.apply(scene, pastes)
        return pastes

    def __call__(self, *sample: Any) -> Any:
        """The augmented sample, in the form in which it came; the same object if nothing was pasted.

        Raises:
            AdapterError: If the sample has no known structure.
        """
        whole = sample[0] if len(sample) == 1 else sample
        adapter = self._adapters.find(whole)
        if self.on_occlusion == "mark":
            whole = adapter.with_place_for_marks(whole)
        scene = adapter.read(whole)
        pastes = self.augment(scene, fresh_generator())
        return adapter.write(whole, scene) if any(paste.seen for paste in pastes) else whole

    def choose_person(self, scene: Scene, size: tuple[int, int], rng: np.random.Generator) -> tuple[int, Box] | None:
        """A person and their box; None if there is nobody of known extent."""
        if scene.people == 1:
            box = scene.box(0, size, self.person_box)
            return None if box is None or self.person not in ("random", "largest", 0, -1) else (0, box)
        known = [
            (index, box)
            for index in range(scene.people)
            if (box := scene.box(index, size, self.person_box)) is not None
        ]
        if not isinstance(self.person, str):
            wanted = self.person % scene.people if -scene.people <= self.person < scene.people else None
            return next(((index, box) for index, box in known if index == wanted), None)
        if not known:
            return None
        if self.person == "largest":
            return max(known, key=lambda each: (each[1][2] - each[1][0]) * (each[1][3] - each[1][1]))
        return known[int(rng.integers(len(known)))]


def _paste_over(scene: Scene, pastes: Sequence[Paste], stack: NDArray[np.float32] | None, inplace: bool) -> None:
    """Give the scene its new image, and each paste its ``seen``."""
    before = scene.array
    # Pixels of an expanded tensor are one in memory.
    writeable = before.flags.writeable and 0 not in before.strides
    after = before if inplace and writeable else copied(before)
    feathers = [paste.feather for paste in pastes]
    seen = paste_into(after, coloured(scene, pastes), feathers, *normalisation(scene), scene.bgr, stack)
    if after is not before:
        scene.image = like(scene.image, after)
    for paste, visible in zip(pastes, seen, strict=True):
        paste.seen = visible


def _settle_covered(scene: Scene, pastes: Sequence[Paste], shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Give each paste its ``covered``; which labelled keypoints any covers, bool [P, K]."""
    covered = np.zeros(scene.labelled.shape, bool)
    points, labelled = scene.keypoints.reshape(-1, 2), scene.labelled.ravel()
    joints = scene.labelled.shape[1]
    for paste in pastes:
        reached = shares(paste.part.mask, paste.matrix, points, labelled, shape) if paste.seen else []
        paste.covered = [divmod(index, joints) for index, share in reached if share > COVERED]
        for keypoint in paste.covered:
            covered[keypoint] = True
    return covered


def coloured(scene: Scene, pastes: Sequence[Paste]) -> list[tuple[Part, Matrix]]:
    """Parts and matrices as they are to be pasted: those to be harmonized in the colours around their person."""
    moments: dict[int, Any] = {}
    pasted = []
    for paste in pastes:
        part = paste.load()
        if paste.harmonize > 0:
            if paste.person not in moments:
                moments[paste.person] = colour_moments(_surroundings(scene, paste.box))
            part = harmonize(part, moments[paste.person], paste.harmonize)
        pasted.append((part, paste.matrix))
    return pasted


def normalisation(scene: Scene) -> tuple[Any, Any]:
    """Mean and spread of a scene's image; bytes have none, whatever the data set says."""
    floats = scene.array.dtype != np.uint8
    return (scene.mean, scene.std) if floats else (None, None)


def _surroundings(scene: Scene, box: Box) -> NDArray[np.uint8]:
    pixels = scene.pixels
    height, width = pixels.shape[:2]
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(width, int(box[2]) + 1), min(height, int(box[3]) + 1)
    window = pixels[y0:y1, x0:x1] if x0 < x1 and y0 < y1 else pixels
    return as_rgb_bytes(window, scene.mean, scene.std, scene.bgr)
