"""One body part, decoded."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from partpool.taxonomy.keypoints import MIRRORED_KEYPOINTS
from partpool.taxonomy.part_classes import Taxonomy


@dataclass(slots=True, repr=False)
class Part:
    """A body part cut out of a photograph.

    Attributes:
        rgb: uint8 [h, w, 3]; outside the mask the part's colour goes on.
        mask: bool [h, w]. Black pixels inside belong to the part.
        class_id: Index of its class in the pool's taxonomy.
        name: Name of its class.
        box: Its tight box in the source image, x0 y0 x1 y1 in pixels, half-open, int32 [4]. Larger than the patch if
            that was shrunk.
        person_box: Box of its person there, int32 [4].
        source: Name of the source image.
        keypoints: float32 [16, 3], x y visible of its person in patch pixels (pixel centres at +0.5), MPII order;
            NaN is unknown. None if the pool has none.
        taxonomy: The pool's taxonomy.
    """

    rgb: NDArray[np.uint8]
    mask: NDArray[np.bool_]
    class_id: int
    name: str
    box: NDArray[np.int32]
    person_box: NDArray[np.int32]
    source: str
    keypoints: NDArray[np.float32] | None = None
    taxonomy: Taxonomy | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the patch in pixels."""
        height, width = self.mask.shape
        return width, height

    def load(self) -> Part:
        """The part itself, whose pixels are there; :class:`~partpool.pool.stored_part.StoredPart` reads them here."""
        return self

    def __repr__(self) -> str:
        width, height = self.size
        return f"Part({self.name!r}, {width}×{height}, from {self.source!r})"

    def hflip(self) -> Part:
        """The mirrored part: mirrored pixels, the class of the other side, mirrored and swapped keypoints.

        ``box``, ``person_box`` and ``source`` still say where the part was cut.

        Raises:
            ValueError: If the part has no taxonomy to look its partner up in.
        """
        if self.taxonomy is None:
            raise ValueError(f"part {self.name!r} was made without a taxonomy, so its mirror partner is unknown")
        class_id = self.taxonomy.mirror(self.class_id)
        keypoints = None
        if self.keypoints is not None:
            keypoints = self.keypoints[MIRRORED_KEYPOINTS]
            keypoints[:, 0] = self.size[0] - keypoints[:, 0]
        return replace(
            self,
            rgb=np.ascontiguousarray(self.rgb[:, ::-1]),
            mask=np.ascontiguousarray(self.mask[:, ::-1]),
            class_id=class_id,
            name=self.taxonomy.names[class_id],
            keypoints=keypoints,
        )
