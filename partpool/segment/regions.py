"""The single-label regions of a label map, and which of them touch.

Every segment of every class is a set of such regions, so they are found once per label map: composed classes become
a question about a small graph instead of another pass over the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment.components import Box, label_boxes, number_components
from partpool.segment.contours import Quads, contour_length, find_quads
from partpool.segment.neck import NeckLabels, neck_candidates

NECK = 255
"""Label of regions that the neck rule filled; no scheme has it."""


@dataclass
class Regions:
    """8-connected regions of one label each, numbered from 1, in the frame of the person's box.

    They are sorted by label, then by box.

    Attributes:
        person_box: Box of all foreground in the label map, x0 y0 x1 y1, half-open.
        labels: Label of each region, ``NECK`` for filled necks; entry 0 is the background.
        areas: Pixels of each region.
        boxes: Box of each region within the person's box, half-open.
        edges: Pairs of regions that touch (8-neighbours), smaller number first.
        ids: Number of the region at each pixel of the person's box, 0 where there is none; uint8 [h, w], or int32.
        quads: The windows of 2 × 2 pixels that regions meet in.
        necks: Neck regions that touch both a face and a torso.
    """

    person_box: Box
    labels: list[int]
    areas: list[int]
    boxes: list[Box]
    edges: list[tuple[int, int]]
    ids: NDArray[np.integer]
    quads: Quads
    necks: list[int] = field(default_factory=list)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the person's box."""
        height, width = self.ids.shape
        return height, width

    def mask(self, members: list[int], box: Box) -> NDArray[np.uint8]:
        """Pixels of some regions, 255 or 0, uint8, cut to ``box`` (within the person's box)."""
        x0, y0, x1, y1 = box
        window = self.ids[y0:y1, x0:x1]
        if len(members) == 1:
            return cv2.inRange(window, members[0], members[0])
        inside = np.zeros(max(256, len(self.labels)), np.uint8)
        inside[members] = 255
        return cv2.LUT(window, inside) if window.dtype == np.uint8 else inside[window]

    def contour_length(self, members: list[int]) -> float:
        """Length of all contours of some regions taken together, outer and inner, as a closed chain of their pixels."""
        return contour_length(*self.quads.steps(members))

    def texture(self, members: Iterable[int], grey: NDArray[np.uint8]) -> float:
        """Standard deviation of the luminance over some regions, in grey levels.

        Args:
            members: The regions.
            grey: The picture cut to the person's box, uint8 [h, w]; the same in every call.
        """
        count = total = squares = 0
        for number in members:
            if number not in self._moments:
                self._moments[number] = self._grey_sums(number, grey)
            count += self.areas[number]
            total += self._moments[number][0]
            squares += self._moments[number][1]
        return math.sqrt(count * squares - total**2) / count

    @cached_property
    def _moments(self) -> dict[int, tuple[int, int]]:
        """Sum and sum of squares of the grey levels of the regions that were asked for."""
        return {}

    def _grey_sums(self, number: int, grey: NDArray[np.uint8]) -> tuple[int, int]:
        x0, y0, x1, y1 = self.boxes[number]
        # Whole numbers are exact, and three plain passes are faster than one masked cv2.meanStdDev.
        own = cv2.bitwise_and(grey[y0:y1, x0:x1], self.mask([number], self.boxes[number]))
        return round(cv2.sumElems(own)[0]), round(cv2.norm(own, cv2.NORM_L2SQR))


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
    boxes_of_labels = label_boxes(person)
    filled = None if neck is None else neck_candidates(person, neck, boxes_of_labels)
    if filled is not None:
        mask, (x0, y0, x1, y1) = filled
        person[y0:y1, x0:x1] |= mask
        boxes_of_labels[NECK] = (x0, y0, x1, y1)
    ids, components = number_components(person, boxes_of_labels)
    labels, areas, boxes = map(list, zip(*components, strict=True))
    quads = find_quads(ids, len(components))
    regions = Regions((x, y, x + width, y + height), labels, areas, boxes, quads.touching(), ids, quads)
    if neck is not None:
        regions.necks = _joining_necks(regions, neck)
    return regions


def _joining_necks(regions: Regions, neck: NeckLabels) -> list[int]:
    touched: dict[int, set[int]] = {}
    for a, b in regions.edges:
        for one, other in ((a, b), (b, a)):
            if regions.labels[one] == NECK:
                touched.setdefault(one, set()).add(regions.labels[other])
    return [number for number, seen in sorted(touched.items()) if seen & set(neck.face) and seen & set(neck.torso)]
