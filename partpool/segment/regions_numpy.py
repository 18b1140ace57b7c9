"""What ``_regions.c`` does, with NumPy and OpenCV: the regions of a label map and what is measured on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment.contours import Quads, find_quads

FEW = 9
"""Components, background included, up to which each is measured by itself."""

Box = tuple[int, int, int, int]


@dataclass(slots=True)
class Found:
    """Where the regions are.

    Attributes:
        ids: Region at each pixel, 0 where there is none; uint8 [h, w], or int32 beyond 255 regions.
        regions: Label, area and box of each region; the background is the first.
        quads: The windows of 2 x 2 pixels that they meet in.
    """

    ids: NDArray[np.integer]
    regions: list[tuple[int, int, Box]]
    quads: Quads


@dataclass(slots=True)
class _Plane:
    """One label's components, numbered from 1 by their boxes, within its own box."""

    box: Box
    pixels: NDArray[np.integer]
    regions: list[tuple[int, int, Box]]


def find(label_map: NDArray[np.uint8]) -> tuple[Found, list[tuple[int, int, Box]], set[tuple[int, int]]]:
    """The regions, as label, area and box in the order of these; and the pairs that touch, smaller number first.

    Args:
        label_map: uint8 [h, w], 0 is background.
    """
    planes = [
        _plane(label, cv2.inRange(label_map[box[1] : box[3], box[0] : box[2]], label, label), box)
        for label, box in label_boxes(label_map).items()
    ]
    found = _assemble(label_map, planes)
    return found, found.regions, set(found.quads.touching())


def label_boxes(label_map: NDArray[np.uint8]) -> dict[int, Box]:
    """Tight box of every label but the background, in the order of the labels, from the runs of equal pixels in rows.

    There are some thirty times fewer runs than pixels, so one pass finds them all, where a mask of every label would
    take a pass each.
    """
    width = label_map.shape[1]
    pixels = label_map.ravel()
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
    return {label: (x0, y0, x1, y1) for label, x0, y0, x1, y1 in rows if label}


def fill(found: Found, members: Sequence[int], corner: tuple[int, int], mask: NDArray[np.uint8]) -> None:
    """Write 255 where one of the regions is, 0 elsewhere, into a mask that lies at ``corner``, x and y."""
    x, y = corner
    window = found.ids[y : y + mask.shape[0], x : x + mask.shape[1]]
    if len(members) == 1:
        cv2.inRange(window, members[0], members[0], mask)
        return
    table = np.zeros(max(256, len(found.regions)), np.uint8)
    table[list(members)] = 255
    mask[:] = _looked_up(window, table)


def steps(found: Found, members: Sequence[int]) -> tuple[int, int]:
    """Straight and diagonal steps of the contours of some regions taken together."""
    return found.quads.steps(members)


def moments(found: Found, grey: NDArray[np.uint8]) -> list[tuple[int, int]]:
    """Sum and sum of squares of the grey levels of every region.

    Args:
        found: The regions.
        grey: The picture, uint8 [h, w].
    """
    sums = [(0, 0)]
    for number, (_, _, (x0, y0, x1, y1)) in enumerate(found.regions[1:], 1):
        # Whole numbers are exact, and three plain passes are faster than one masked cv2.meanStdDev.
        inside = cv2.inRange(found.ids[y0:y1, x0:x1], number, number)
        own = cv2.bitwise_and(grey[y0:y1, x0:x1], inside)
        sums.append((round(cv2.sumElems(own)[0]), round(cv2.norm(own, cv2.NORM_L2SQR))))
    return sums


def rim(mask: NDArray[np.uint8], sides: tuple[bool, bool, bool, bool]) -> tuple[int, int]:
    """Number of pixels on some sides of a mask (left, top, right, bottom), and of those with an 8-neighbour outside."""
    frame = np.zeros_like(mask)
    left, top, right, bottom = sides
    for wanted, side in ((left, np.s_[:, :1]), (top, np.s_[:1, :]), (right, np.s_[:, -1:]), (bottom, np.s_[-1:, :])):
        if wanted:
            frame[side] = mask[side]
    inner = cv2.erode(mask, None, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return cv2.countNonZero(frame), cv2.countNonZero(mask) - cv2.countNonZero(inner)


def _plane(label: int, window: NDArray[np.uint8], box: Box) -> _Plane:
    """Split one label's mask, cut to its tight box, into 8-connected components."""
    # 16-bit labels are half as dear; a component needs at least every fourth pixel.
    kind = cv2.CV_16U if window.size < 4 * 65535 else cv2.CV_32S
    count, pixels = cv2.connectedComponents(window, connectivity=8, ltype=kind)
    left, top = box[:2]
    if count == 2:
        return _Plane(box, pixels, [(label, cv2.countNonZero(window), box)])
    if count <= FEW:
        # The statistics cost five times the labelling.
        components = [cv2.inRange(pixels, number, number) for number in range(1, count)]
        rows = [(*cv2.boundingRect(component), cv2.countNonZero(component)) for component in components]
    else:
        _, pixels, stats, _ = cv2.connectedComponentsWithStats(window, connectivity=8, ltype=kind)
        rows = stats[1:].tolist()
    regions = [(label, area, (left + x, top + y, left + x + w, top + y + h)) for x, y, w, h, area in rows]
    # No two have the same box: they would have to cross.
    order = sorted(range(len(regions)), key=lambda index: regions[index][2])
    ranks = np.zeros(max(256, count), pixels.dtype)
    ranks[1 + np.array(order)] = np.arange(1, count)
    return _Plane(box, ranks[pixels], [regions[index] for index in order])


def _assemble(label_map: NDArray[np.uint8], planes: list[_Plane]) -> Found:
    regions: list[tuple[int, int, Box]] = [(0, 0, (0, 0, 0, 0))]
    whole = np.zeros(256, np.uint8 if sum(len(plane.regions) for plane in planes) <= 255 else np.int32)
    others = []
    for plane in planes:
        if len(plane.regions) == 1:
            whole[plane.regions[0][0]] = len(regions)
        else:
            others.append((len(regions), plane))
        regions += plane.regions
    # Most labels are one region: one pass numbers all of these.
    ids = _looked_up(label_map, whole)
    for first, plane in others:
        x0, y0, x1, y1 = plane.box
        table = np.zeros(max(256, len(plane.regions) + 1), whole.dtype)
        table[1 : len(plane.regions) + 1] = np.arange(first, first + len(plane.regions))
        ids[y0:y1, x0:x1] += _looked_up(plane.pixels, table)
    return Found(ids, regions, find_quads(ids, len(regions)))


def _looked_up(indexes: NDArray[np.integer], table: NDArray[Any]) -> NDArray[Any]:
    """``table[indexes]``."""
    # OpenCV is four times as fast, but takes bytes only.
    return cv2.LUT(indexes.astype(np.uint8, copy=False), table) if len(table) == 256 else table[indexes]
