"""One item → encoded patches: read, segment, filter, cut, encode."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.cutting.patch import cut_patch
from partpool.cutting.patch_numpy import CELL, UNIT
from partpool.cutting.rejects import Reject, describe
from partpool.errors import ConfigError
from partpool.filters.config import FilterConfig, Measures
from partpool.filters.judging import Judged, judge
from partpool.pool.codec import JPEG_QUALITY, MAX_SIDE, codec_id, encode
from partpool.pool.outcomes import ISLANDS, KEPT
from partpool.segment.components import Box
from partpool.segment.neck import CENTRAL, REACH
from partpool.segment.scheme_alarm import Sighting, sight
from partpool.segment.segmenter import GAP, ISLAND, MINOR_AREA, MINOR_SHARE, Segmentation, Segmenter
from partpool.sources import Item
from partpool.sources.reading import read_item
from partpool.taxonomy.part_classes import Taxonomy


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the bytes of a pool, apart from its source.

    Attributes:
        taxonomy: The part classes.
        filters: The filter thresholds.
        codec: Name of the codec.
        max_side: Longest side of a stored patch in pixels; larger ones are shrunk by area averaging.

    Raises:
        ConfigError: If an option is out of range, or a filter names a class that does not exist.
    """

    taxonomy: Taxonomy
    filters: FilterConfig = field(default_factory=FilterConfig)
    codec: str = "jpeg"
    max_side: int = 320

    def __post_init__(self) -> None:
        codec_id(self.codec)
        if not 16 <= self.max_side <= MAX_SIDE:
            raise ConfigError(f"max_side must lie in [16, {MAX_SIDE}] pixels, but got {self.max_side}")

    def config(self) -> dict[str, Any]:
        """The recipe as plain data, for the pool's ``config`` attribute; the taxonomy is stored beside it."""
        return {
            "filters": self.filters.to_dict(),
            "codec": self.codec,
            "max_side": self.max_side,
            "island": ISLAND,
            "gap": GAP,
            "minor_share": MINOR_SHARE,
            "minor_area": MINOR_AREA,
            "neck_reach": REACH,
            "neck_central": CENTRAL,
            "extend": CELL,
            "shrink_unit": UNIT,
            **({"jpeg_quality": JPEG_QUALITY} if self.codec == "jpeg" else {}),
        }


@dataclass(slots=True)
class EncodedPart:
    """A kept part, ready to be stored; boxes are x0 y0 x1 y1 in the source image, half-open.

    Keypoints are those of its person, in pixels of the patch; None if they are unknown.
    """

    class_id: int
    height: int
    width: int
    crc32: int
    box: Box
    person_box: Box
    measured: Measures
    data: bytes
    keypoints: NDArray[np.float32] | None


@dataclass(slots=True)
class CutItem:
    """What became of one item.

    Attributes:
        name: The item's name.
        width: Width of the picture.
        height: Height of the picture.
        digest: blake2b-128 of image bytes, label bytes and, where there are several, the person.
        mtime: Newest modification time of its files, in seconds.
        parts: The kept parts, ordered by class.
        counts: Number of segments by (class id, ``"kept"``, ``"islands"`` or a rejection reason).
        seen: Where each label lies on the person.
        rejects: The rejected segments, if they were asked for.
    """

    name: str
    width: int
    height: int
    digest: bytes
    mtime: float
    parts: list[EncodedPart] = field(default_factory=list)
    counts: Counter[tuple[int, str]] = field(default_factory=Counter)
    seen: list[Sighting] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


class Cutter:
    """Cuts items by one recipe.

    Args:
        recipe: How.
        keep_rejects: Whether to describe the rejected segments, too.
    """

    def __init__(self, recipe: Recipe, *, keep_rejects: bool = False) -> None:
        self._recipe = recipe
        self._keep_rejects = keep_rejects
        self._codec = codec_id(recipe.codec)
        self._segmenter = Segmenter(recipe.taxonomy)

    def __call__(self, item: Item) -> CutItem:
        """Read and cut one item.

        Raises:
            ItemError: If the item cannot be used.
        """
        picture = read_item(item, self._recipe.taxonomy.scheme)
        height, width = picture.label_map.shape
        result = CutItem(item.name, width, height, picture.digest, picture.mtime)
        segmentation = self._segmenter(picture.label_map)
        if segmentation is not None:
            self._judge_and_encode(result, picture.image, segmentation, item.keypoints)
        return result

    def _judge_and_encode(
        self,
        result: CutItem,
        image: NDArray[np.uint8],
        segmentation: Segmentation,
        keypoints: NDArray[np.float32] | None,
    ) -> None:
        """Put parts, counts and what else was seen into ``result``."""
        taxonomy, filters, regions = self._recipe.taxonomy, self._recipe.filters, segmentation.regions
        result.counts.update({(class_id, ISLANDS): number for class_id, number in segmentation.islands.items()})
        result.seen = sight(regions)
        opaque = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        for judged in judge(segmentation, image, taxonomy, filters):
            class_id = judged.segment.class_id
            result.counts[class_id, judged.reason or KEPT] += 1
            if judged.reason is None:
                result.parts.append(self._encode(judged, opaque, regions.person_box, keypoints))
            elif self._keep_rejects:
                result.rejects.append(describe(judged, taxonomy.names[class_id], result.name, opaque, regions, filters))

    def _encode(
        self, judged: Judged, image: NDArray[np.uint8], person_box: Box, keypoints: NDArray[np.float32] | None
    ) -> EncodedPart:
        assert judged.mask is not None, "a kept segment has been looked at"
        patch = cut_patch(image, judged.mask, judged.box, self._recipe.max_side)
        data = encode(self._codec, patch)
        height, width = patch.shape[:2]
        return EncodedPart(
            judged.segment.class_id, height, width, zlib.crc32(data), judged.box, person_box, judged.measured, data,
            None if keypoints is None else _keypoints_in_patch(keypoints, judged.box, width, height),
        )  # fmt: skip


def _keypoints_in_patch(keypoints: NDArray[np.float32], box: Box, width: int, height: int) -> NDArray[np.float32]:
    """Keypoints of the picture in pixels of a patch that shows a box, perhaps shrunk."""
    x0, y0, x1, y1 = box
    moved = keypoints.copy()
    moved[:, 0] = (keypoints[:, 0] - x0) * (width / (x1 - x0))
    moved[:, 1] = (keypoints[:, 1] - y0) * (height / (y1 - y0))
    return moved
