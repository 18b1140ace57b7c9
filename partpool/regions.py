"""The single-label regions of a label map, and which of them touch.

Every segment of every class is a set of such regions, so they are found once per label map: composed classes become
a question about a small graph instead of another pass over the pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.neck import NeckLabels, neck_candidates
from partpool.quads import Quads, find_quads

BACKGROUND = 0
FEW = 9
"""Components, background included, up to which each is measured by itself."""
NECK = -1
"""Label of regions that the neck rule filled; no pixel value has it."""

Box = tuple[int, int, int, int]


@dataclass(slots=True)
class Regions:
    """8-connected regions of one label each, numbered from 1, in the frame of the person's box.

    Attributes:
        person_box: Box of all foreground in the label map, x0 y0 x1 y1, half-open.
        ids: Region at each pixel of that box, 0 where there is none; uint8 [h, w], or int32 beyond 255 regions.
        labels: Label of each region, ``NECK`` for filled necks; entry 0 is the background.
        areas: Pixels of each region.
        boxes: Box of each region within the person's box, half-open.
        quads: The windows of 2 x 2 pixels that they meet in.
        edges: Pairs of regions that touch (8-neighbours), smaller number first.
        necks: Neck regions that touch both a face and a torso.
    """

    person_box: Box
    ids: NDArray[np.integer]
    labels: list[int]
    areas: list[int]
    boxes: list[Box]
    quads: Quads
    edges: list[tuple[int, int]]
    necks: list[int]
    _moments: dict[int, tuple[int, int]] = field(default_factory=dict)

    def texture(self, members: Iterable[int], grey: NDArray[np.uint8]) -> float:
        """Standard deviation of the luminance over some regions, in grey levels.

        Args:
            members: The regions.
            grey: The picture cut to the person's box, uint8 [h, w]; the same in every call.
        """
        count = total = squares = 0
        for number in members:
            if number not in self._moments:
                x0, y0, x1, y1 = self.boxes[number]
                # Whole numbers are exact, and three plain passes are faster than one masked cv2.meanStdDev.
                own = cv2.bitwise_and(grey[y0:y1, x0:x1], self.mask([number], self.boxes[number]))
                self._moments[number] = (round(cv2.sumElems(own)[0]), round(cv2.norm(own, cv2.NORM_L2SQR)))
            count += self.areas[number]
            total += self._moments[number][0]
            squares += self._moments[number][1]
        return math.sqrt(count * squares - total**2) / count

    def mask(self, members: list[int], box: Box) -> NDArray[np.uint8]:
        """Pixels of some regions, 255 or 0, uint8, cut to ``box`` (within the person's box)."""
        x0, y0, x1, y1 = box
        window = self.ids[y0:y1, x0:x1]
        if len(members) == 1:
            return cv2.inRange(window, members[0], members[0])
        table = np.zeros(max(256, len(self.labels)), np.uint8)
        table[members] = 255
        return _looked_up(window, table)


@dataclass(slots=True)
class _Plane:
    """One label's components, numbered from 1, within its own box."""

    label: int
    box: Box
    pixels: NDArray[np.integer]
    areas: list[int]
    boxes: list[Box]


def find_regions(label_map: NDArray[np.uint8], neck: NeckLabels | None = None) -> Regions | None:
    """All single-label regions of a label map, or None if it is background only.

    Args:
        label_map: uint8 [H, W], 0 is background.
        neck: Labels that an unlabelled neck lies between; None leaves necks alone.
    """
    x, y, width, height = cv2.boundingRect(label_map)
    if not width:
        return None
    person = np.ascontiguousarray(label_map[y : y + height, x : x + width])
    boxes = _label_boxes(person)
    planes = [
        _plane(label, cv2.inRange(person[box[1] : box[3], box[0] : box[2]], label, label), box)
        for label, box in boxes.items()
    ]
    if neck is not None:
        filled = neck_candidates(person, neck, boxes)
        if filled is not None:
            planes.append(_plane(NECK, *filled))
    regions = _assemble(person, planes, (x, y, x + width, y + height))
    if neck is not None:
        regions.necks = _joining_necks(regions, neck)
    return regions


def _label_boxes(person: NDArray[np.uint8]) -> dict[int, Box]:
    """Tight box of every label but the background, in the order of the labels, from the runs of equal pixels in rows.

    There are some thirty times fewer runs than pixels, so one pass finds them all, where a mask of every label would
    take a pass each.
    """
    width = person.shape[1]
    pixels = person.ravel()
    ends_here = np.append(pixels[1:] != pixels[:-1], True)
    ends_here[width - 1 :: width] = True
    last = np.flatnonzero(ends_here)
    first = np.append(0, last[:-1] + 1)
    by_label = np.argsort(pixels[first], kind="stable")
    labels, first, last = pixels[first][by_label], first[by_label], last[by_label]
    groups = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
    top, bottom = first[groups] // width, last[np.append(groups[1:], len(last)) - 1] // width
    left = np.minimum.reduceat(first % width, groups)
    right = np.maximum.reduceat(last % width, groups)
    rows = np.stack([labels[groups], left, top, right + 1, bottom + 1], axis=1).tolist()
    return {label: (x0, y0, x1, y1) for label, x0, y0, x1, y1 in rows if label != BACKGROUND}


def _plane(label: int, window: NDArray[np.uint8], box: Box) -> _Plane:
    """Split one label's mask, cut to its tight box, into 8-connected components."""
    # 16-bit labels are half as dear; a component needs at least every fourth pixel.
    kind = cv2.CV_16U if window.size < 4 * 65535 else cv2.CV_32S
    count, pixels = cv2.connectedComponents(window, connectivity=8, ltype=kind)
    left, top = box[:2]
    if count == 2:
        return _Plane(label, box, pixels, [cv2.countNonZero(window)], [box])
    if count <= FEW:
        # The statistics cost five times the labelling.
        components = [cv2.inRange(pixels, number, number) for number in range(1, count)]
        rows = [(*cv2.boundingRect(component), cv2.countNonZero(component)) for component in components]
    else:
        _, pixels, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8, ltype=kind)
        rows = stats[1:].tolist()
    boxes = [(left + x, top + y, left + x + w, top + y + h) for x, y, w, h, _ in rows]
    return _Plane(label, box, pixels, [row[4] for row in rows], boxes)


def _assemble(person: NDArray[np.uint8], planes: list[_Plane], person_box: Box) -> Regions:
    labels, areas, boxes = [BACKGROUND], [0], [(0, 0, 0, 0)]
    whole = np.zeros(256, np.uint8 if sum(len(plane.areas) for plane in planes) <= 255 else np.int32)
    others = []
    for plane in planes:
        if len(plane.areas) == 1 and plane.label != NECK:
            whole[plane.label] = len(labels)
        else:
            others.append((len(labels), plane))
        labels += [plane.label] * len(plane.areas)
        areas += plane.areas
        boxes += plane.boxes
    # Most labels are one region: one pass numbers all of these.
    ids = _looked_up(person, whole)
    for first, plane in others:
        x0, y0, x1, y1 = plane.box
        table = np.zeros(max(256, len(plane.areas) + 1), whole.dtype)
        table[1 : len(plane.areas) + 1] = np.arange(first, first + len(plane.areas))
        ids[y0:y1, x0:x1] += _looked_up(plane.pixels, table)
    quads = find_quads(ids, len(labels))
    return Regions(person_box, ids, labels, areas, boxes, quads, quads.touching(), [])


def _looked_up(indexes: NDArray[np.integer], table: NDArray[Any]) -> NDArray[Any]:
    """``table[indexes]``."""
    # OpenCV is four times as fast, but takes bytes only.
    return cv2.LUT(indexes.astype(np.uint8, copy=False), table) if len(table) == 256 else table[indexes]


def _joining_necks(regions: Regions, neck: NeckLabels) -> list[int]:
    touched: dict[int, set[int]] = {}
    for a, b in regions.edges:
        for one, other in ((a, b), (b, a)):
            if regions.labels[one] == NECK:
                touched.setdefault(one, set()).add(regions.labels[other])
    return [number for number, seen in sorted(touched.items()) if seen & set(neck.face) and seen & set(neck.torso)]
