"""One item → encoded patches: read, segment, filter, cut, encode."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool import segment as segments
from partpool.codec import codec_id, encode
from partpool.errors import ConfigError, FileError, ImageError, ItemError, LabelMapError
from partpool.filters import FilterConfig, Measures
from partpool.images import read_image, read_label_map
from partpool.judging import Judged, judge
from partpool.neck import CENTRAL, REACH
from partpool.patch import EXTEND, cut
from partpool.segment import Box, Segmenter
from partpool.sources import Item, SourceFile
from partpool.taxonomy import Taxonomy

KEPT = "kept"
ISLANDS = "islands"
MAX_FILE = 2**29
"""Larger files are refused before they are read."""


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
        if not 16 <= self.max_side <= 4096:
            raise ConfigError(f"max_side must lie in [16, 4096] pixels, but got {self.max_side}")

    def config(self) -> dict[str, Any]:
        """The recipe as plain data, for the pool's ``config`` attribute; the taxonomy is stored beside it."""
        return {
            "filters": self.filters.to_dict(),
            "codec": self.codec,
            "max_side": self.max_side,
            "island": segments.ISLAND,
            "gap": segments.GAP,
            "minor_share": segments.MINOR_SHARE,
            "minor_area": segments.MINOR_AREA,
            "neck_reach": REACH,
            "neck_central": CENTRAL,
            "extend": EXTEND,
        }


@dataclass(slots=True)
class EncodedPart:
    """A kept part, ready to be stored; boxes are x0 y0 x1 y1 in the source image, half-open."""

    class_id: int
    height: int
    width: int
    crc32: int
    box: Box
    person_box: Box
    measured: Measures
    data: bytes


@dataclass(slots=True)
class CutItem:
    """What became of one item.

    Attributes:
        name: The item's name.
        width: Width of the picture.
        height: Height of the picture.
        digest: blake2b-128 of image bytes and label bytes.
        mtime: Newest modification time of its files, in seconds.
        parts: The kept parts, ordered by class.
        counts: Number of segments by (class id, ``"kept"``, ``"islands"`` or a rejection reason).
    """

    name: str
    width: int
    height: int
    digest: bytes
    mtime: float
    parts: list[EncodedPart]
    counts: Counter[tuple[int, str]]


class Cutter:
    """Cuts items by one recipe."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._codec = codec_id(recipe.codec)
        self._segmenter = Segmenter(recipe.taxonomy)

    def __call__(self, item: Item) -> CutItem:
        """Read and cut one item.

        Raises:
            ItemError: If the item cannot be used.
        """
        if item.problem:
            raise ItemError("ambiguous", item.problem)
        label_bytes, label_time = _read(item.labels, "label", LabelMapError)
        image_bytes, image_time = _read(item.image, "image", ImageError)
        label_map = read_label_map(label_bytes, self._recipe.taxonomy.scheme)
        height, width = label_map.shape
        image = read_image(image_bytes, (width, height))
        digest = hashlib.blake2b(image_bytes, digest_size=16)
        digest.update(label_bytes)
        parts, counts = self.cut(image, label_map)
        return CutItem(item.name, width, height, digest.digest(), max(label_time, image_time), parts, counts)

    def cut(
        self, image: NDArray[np.uint8], label_map: NDArray[np.uint8]
    ) -> tuple[list[EncodedPart], Counter[tuple[int, str]]]:
        """The kept parts of one picture, and the number of segments by class and outcome.

        Args:
            image: uint8 [H, W, 3] BGR.
            label_map: uint8 [H, W].
        """
        counts: Counter[tuple[int, str]] = Counter()
        segmentation = self._segmenter(label_map)
        if segmentation is None:
            return [], counts
        counts.update({(class_id, ISLANDS): number for class_id, number in segmentation.islands.items()})
        kept: list[Judged] = []
        for judged in judge(segmentation, image, self._recipe.taxonomy, self._recipe.filters):
            counts[judged.segment.class_id, judged.reason or KEPT] += 1
            if judged.reason is None:
                kept.append(judged)
        opaque = cv2.cvtColor(image, cv2.COLOR_BGR2BGRA)
        return [self._encode(each, opaque, segmentation.regions.person_box) for each in kept], counts

    def _encode(self, judged: Judged, image: NDArray[np.uint8], person_box: Box) -> EncodedPart:
        assert judged.mask is not None, "a kept segment has been looked at"
        patch = cut(image, judged.mask, judged.box, self._recipe.max_side)
        data = encode(self._codec, patch)
        height, width = patch.shape[:2]
        return EncodedPart(
            judged.segment.class_id, height, width, zlib.crc32(data), judged.box, person_box, judged.measured, data
        )


def _read(file: SourceFile | None, what: str, error: type[ItemError]) -> tuple[bytes, float]:
    """A file's bytes and modification time."""
    if file is None:
        raise error(f"{what}-missing", f"the {what} file is missing")
    try:
        return file.read(MAX_FILE)
    except FileError as reason:
        raise error(f"{what}-{reason.reason}", f"the {what} file {reason}") from None
