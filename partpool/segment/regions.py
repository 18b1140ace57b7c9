"""The single-label regions of a label map, and which of them touch.

Every segment of every class is a set of such regions, so they are found once per label map: composed classes become
a question about a small graph instead of another pass over the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment.contours import contour_length
from partpool.segment.neck import NeckLabels, neck_candidates

loops: ModuleType
"""What looks at pixels: compiled loops or, without them, NumPy and OpenCV, which give the same more slowly."""
try:
    from partpool.segment import _regions

    loops = _regions
except ImportError:
    from partpool.segment import regions_numpy as plain_regions

    loops = plain_regions

BACKGROUND = 0
NECK = 255
"""Label of regions that the neck rule filled; no scheme has it."""

Box = tuple[int, int, int, int]


@dataclass(slots=True)
class Regions:
    """8-connected regions of one label each, numbered from 1, in the frame of the person's box.

    They are sorted by label, then by box.

    Attributes:
        person_box: Box of all foreground in the label map, x0 y0 x1 y1, half-open.
        shape: Height and width of that box.
        labels: Label of each region, ``NECK`` for filled necks; entry 0 is the background.
        areas: Pixels of each region.
        boxes: Box of each region within the person's box, half-open.
        edges: Pairs of regions that touch (8-neighbours), smaller number first.
        necks: Neck regions that touch both a face and a torso.
    """

    person_box: Box
    shape: tuple[int, int]
    labels: list[int]
    areas: list[int]
    boxes: list[Box]
    edges: list[tuple[int, int]]
    necks: list[int]
    _found: Any
    _moments: list[tuple[int, int]] | None = None

    def mask(self, members: list[int], box: Box) -> NDArray[np.uint8]:
        """Pixels of some regions, 255 or 0, uint8, cut to ``box`` (within the person's box)."""
        x0, y0, x1, y1 = box
        mask = np.zeros((y1 - y0, x1 - x0), np.uint8)
        loops.fill(self._found, members, (x0, y0), mask)
        return mask

    def contour_length(self, members: list[int]) -> float:
        """Length of all contours of some regions taken together, outer and inner, as a closed chain of their pixels."""
        return contour_length(*loops.steps(self._found, members))

    def texture(self, members: Iterable[int], grey: NDArray[np.uint8]) -> float:
        """Standard deviation of the luminance over some regions, in grey levels.

        Args:
            members: The regions.
            grey: The picture cut to the person's box, uint8 [h, w]; the same in every call.
        """
        if self._moments is None:
            self._moments = loops.moments(self._found, grey)
        count = total = squares = 0
        for number in members:
            count += self.areas[number]
            total += self._moments[number][0]
            squares += self._moments[number][1]
        return math.sqrt(count * squares - total**2) / count


def find_regions(label_map: NDArray[np.uint8], neck: NeckLabels | None = None) -> Regions | None:
    """All single-label regions of a label map, or None if it is background only.

    Args:
        label_map: uint8 [H, W], 0 is background; ``NECK`` is no label.
        neck: Labels that an unlabelled neck lies between; None leaves necks alone.
    """
    x, y, width, height = cv2.boundingRect(label_map)
    if not width:
        return None
    person = label_map[y : y + height, x : x + width].copy()
    if neck is not None:
        filled = neck_candidates(person, neck, loops.label_boxes(person))
        if filled is not None:
            mask, (x0, y0, x1, y1) = filled
            person[y0:y1, x0:x1] |= mask
    found, regions, edges = loops.find(person)
    labels, areas, boxes = map(list, zip(*regions, strict=True))
    box = (x, y, x + width, y + height)
    result = Regions(box, (height, width), labels, areas, boxes, sorted(edges), [], found)
    if neck is not None:
        result.necks = _joining_necks(result, neck)
    return result


def _joining_necks(regions: Regions, neck: NeckLabels) -> list[int]:
    touched: dict[int, set[int]] = {}
    for a, b in regions.edges:
        for one, other in ((a, b), (b, a)):
            if regions.labels[one] == NECK:
                touched.setdefault(one, set()).add(regions.labels[other])
    return [number for number, seen in sorted(touched.items()) if seen & set(neck.face) and seen & set(neck.torso)]
