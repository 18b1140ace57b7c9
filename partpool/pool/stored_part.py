"""One body part whose pixels are still in the pool's file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.pool.part import Part
from partpool.taxonomy.part_classes import Taxonomy


@dataclass(slots=True, eq=False, repr=False)
class StoredPart:
    """What is known of a part before its pixels are read: where it can go is decided by that alone.

    Copies and pickles of it are ordinary parts.

    Attributes:
        read: Reads RGB and mask.
        size: Width and height of the patch in pixels.
        class_id: Index of its class in the pool's taxonomy.
        name: Name of its class.
        box: Its tight box in the source image, x0 y0 x1 y1 in pixels, half-open, int32 [4].
        person_box: Box of its person there, int32 [4].
        source: Name of the source image.
        keypoints: float32 [16, 3], x y visible of its person in patch pixels, MPII order; None if the pool has none.
        taxonomy: The pool's taxonomy.
    """

    read: Callable[[], tuple[NDArray[np.uint8], NDArray[np.bool_]]]
    size: tuple[int, int]
    class_id: int
    name: str
    box: NDArray[np.int32]
    person_box: NDArray[np.int32]
    source: str
    keypoints: NDArray[np.float32] | None
    taxonomy: Taxonomy
    _part: Part | None = None

    def load(self) -> Part:
        """The part with its pixels, which are read and decoded the first time.

        Raises:
            PoolError: If their bytes are damaged.
        """
        if self._part is None:
            self._part = Part(
                *self.read(), self.class_id, self.name, self.box, self.person_box, self.source, self.keypoints,
                self.taxonomy,
            )  # fmt: skip
        return self._part

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Colours of the part, read if they have not been."""
        return self.load().rgb

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Mask of the part, read if it has not been."""
        return self.load().mask

    def hflip(self) -> Part:
        """The mirrored part, with its pixels: the class of the other side, mirrored and swapped keypoints."""
        return self.load().hflip()

    def __repr__(self) -> str:
        width, height = self.size
        return f"StoredPart({self.name!r}, {width}×{height}, from {self.source!r})"

    def __reduce__(self) -> tuple[type[Part], tuple[Any, ...]]:
        # The file that the pixels are in does not travel.
        part = self.load()
        return Part, tuple(getattr(part, field.name) for field in fields(part))
