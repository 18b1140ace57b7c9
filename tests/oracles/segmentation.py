"""Slow, obvious segmentation and filters: what ``partpool.segment`` and ``partpool.filters`` must equal.

Every mask is a bool array of the whole picture, every class starts again from the pixels, and every rule is one
sentence of design.md §4. OpenCV serves only two measures that are defined by it: contour length and luminance.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.sparse import csgraph

from partpool.filters.config import FilterConfig
from partpool.taxonomy.part_classes import PartClass, Taxonomy
from partpool.taxonomy.schemes import LabelScheme

Mask = NDArray[np.bool_]
EIGHT = np.ones((3, 3), bool)
"""A pixel and its eight neighbours."""


class Candidate(NamedTuple):
    """A segment: its class, its pixels [H, W], and its largest component's share of all the class's pixels."""

    name: str
    mask: Mask
    largest: float


class Verdict(NamedTuple):
    """Why a candidate is rejected (None if it is kept), and what was measured."""

    reason: str | None
    raggedness: float
    border: float
    texture: float


def segment(label_map: NDArray[np.uint8], taxonomy: Taxonomy) -> tuple[list[Candidate], dict[str, int]]:
    """All candidates in the order of the classes, and the number of islands dropped by class."""
    candidates: list[Candidate] = []
    islands: dict[str, int] = {}
    if not label_map.any():
        return candidates, islands
    necks = find_necks(label_map, taxonomy.scheme)
    for part in taxonomy.classes:
        pieces = find_pieces(label_map, part, taxonomy.scheme, necks)
        areas = [int(piece.sum()) for piece in pieces]
        if part.split:
            candidates += [Candidate(part.name, piece, 1.0) for piece in pieces]
        elif pieces:
            kept = [piece for piece, area in zip(pieces, areas, strict=True) if 100 * area >= 5 * max(areas)]
            if len(kept) < len(pieces):
                islands[part.name] = len(pieces) - len(kept)
            mask = np.any(kept, axis=0)
            if not part.composed or is_composed(label_map[mask], part, taxonomy.scheme):
                candidates.append(Candidate(part.name, mask, max(areas) / sum(areas)))
    return candidates, islands


def find_pieces(label_map: NDArray[np.uint8], part: PartClass, scheme: LabelScheme, necks: Mask) -> list[Mask]:
    """The class's components: 8-connected, and for composed classes joined by bridges, the neck, or a small gap."""
    own = labelled(label_map, scheme, part.labels)
    if not part.composed or not own.any():
        return components(own)
    mask = own.copy()
    for label in part.bridge:
        for bridge in components(labelled(label_map, scheme, (label,))):
            if touch(bridge, own):
                mask |= bridge
    if scheme.neck and set(part.labels) & set(scheme.neck.face) and set(part.labels) & set(scheme.neck.torso):
        return components(mask | necks)
    if part.split:
        return components(mask)
    return join_close(mask, 0.04 * diagonal(label_map))


def is_composed(values: NDArray[np.uint8], part: PartClass, scheme: LabelScheme) -> bool:
    """Whether a segment with these pixel values (0 is neck) holds enough besides its largest label, and what it must.

    Enough is 5 % of the segment, or 35² pixels.
    """
    areas = [int((values == scheme.labels.index(label)).sum()) for label in (*part.labels, *part.bridge)]
    minor = sum(areas) - max(areas)
    complete = all(any((values == scheme.labels.index(label)).any() for label in group) for group in part.requires)
    return complete and max(areas) > 0 and (part.pieces or 100 * minor >= 5 * len(values) or minor >= 35 * 35)


def find_necks(label_map: NDArray[np.uint8], scheme: LabelScheme) -> Mask:
    """Background between face and torso along the line through their centroids, where it touches both."""
    nothing = np.zeros(label_map.shape, bool)
    if scheme.neck is None:
        return nothing
    faces, torso = labelled(label_map, scheme, scheme.neck.face), labelled(label_map, scheme, scheme.neck.torso)
    if not faces.any() or not torso.any():
        return nothing
    # Of equally large components max() takes the first in reading order.
    face = max(components(faces), key=np.sum)
    down, right = (np.mean(np.nonzero(torso), axis=1) - np.mean(np.nonzero(face), axis=1)).tolist()
    length = math.hypot(down, right)
    if length == 0:
        return nothing
    down, right = down / length, right / length
    core = central(face, down, right)
    below_face, above_torso = nothing.copy(), nothing.copy()
    for distance in range(1, math.floor(0.16 * diagonal(label_map)) + 1):
        offset = round(distance * down), round(distance * right)
        below_face |= moved(core, offset[0], offset[1])
        above_torso |= moved(torso, -offset[0], -offset[1])
    filled = components(below_face & above_torso & (label_map == 0))
    return np.any([nothing] + [neck for neck in filled if touch(neck, faces) and touch(neck, torso)], axis=0)


def central(face: Mask, down: float, right: float) -> Mask:
    """The central 70 % of a face across an axis, the limits included."""
    rows, columns = np.nonzero(face)
    across = down * columns - right * rows
    low, high = across.min(), across.max()
    # Rounding must not decide about a pixel that is exactly on the limit.
    inner = abs(across - (low + high) / 2) <= 0.35 * (high - low) + 1e-9
    core = np.zeros_like(face)
    core[rows[inner], columns[inner]] = True
    return core


def moved(mask: Mask, down: int, right: int) -> Mask:
    """A mask moved by some pixels; what leaves the picture is lost."""
    rows, columns = np.nonzero(mask)
    rows, columns = rows + down, columns + right
    inside = (rows >= 0) & (rows < mask.shape[0]) & (columns >= 0) & (columns < mask.shape[1])
    result = np.zeros_like(mask)
    result[rows[inside], columns[inside]] = True
    return result


def labelled(label_map: NDArray[np.uint8], scheme: LabelScheme, labels: Iterable[str]) -> Mask:
    """Pixels of some labels."""
    return np.isin(label_map, [scheme.labels.index(label) for label in labels])


def components(mask: Mask) -> list[Mask]:
    """8-connected components in reading order."""
    numbers, count = ndimage.label(mask, EIGHT)
    return [numbers == number for number in range(1, count + 1)]


def touch(one: Mask, other: Mask) -> bool:
    """Whether two masks have 8-neighbouring pixels."""
    return bool((ndimage.binary_dilation(one, EIGHT) & other).any())


def join_close(mask: Mask, gap: float) -> list[Mask]:
    """8-connected components, those closer than ``gap`` (Euclidean, pixel to pixel) taken together."""
    numbers, count = ndimage.label(mask, EIGHT)
    if count == 1:
        return [mask]
    close = np.zeros((count, count), bool)
    for number in range(1, count + 1):
        near = ndimage.distance_transform_edt(numbers != number) < gap
        close[number - 1, np.unique(numbers[near & mask]) - 1] = True
    groups, group_of = csgraph.connected_components(close, directed=False)
    return [np.isin(numbers, 1 + np.flatnonzero(group_of == group)) for group in range(groups)]


def diagonal(label_map: NDArray[np.uint8]) -> float:
    """Diagonal of the person's box: of everything that is not background."""
    return math.hypot(*extent(label_map != 0))


def extent(mask: Mask) -> tuple[int, int]:
    """Height and width of the tight box."""
    rows, columns = np.nonzero(mask)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def judge(candidates: list[Candidate], image: NDArray[np.uint8], config: FilterConfig) -> list[Verdict]:
    """The first filter that every candidate fails; ``image`` is uint8 [H, W, 3] BGR."""
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    accepted: list[Mask] = []
    verdicts = []
    for name, mask, largest in candidates:
        area, (height, width) = int(mask.sum()), extent(mask)
        ragged, border, texture = raggedness(mask), border_share(mask), float(grey[mask].std())
        fails = {
            "small": area < config.min_area,
            "scattered": largest < config.min_largest_of.get(name, config.min_largest),
            "thin": min(height, width) < config.min_side or max(height, width) / min(height, width) > config.max_aspect,
            "sparse": area / (height * width) < config.min_fill,
            "ragged": name not in config.smooth_classes
            and ragged > config.max_raggedness_of.get(name, config.max_raggedness),
            "truncated": border > config.max_border,
            "flat": texture < config.min_texture,
            "duplicate": any((mask & other).sum() / (mask | other).sum() > config.max_iou for other in accepted),
        }
        reason = next((reason for reason, failed in fails.items() if failed), None)
        if reason is None:
            accepted.append(mask)
        verdicts.append(Verdict(reason, ragged, border, texture))
    return verdicts


def raggedness(mask: Mask) -> float:
    """Squared length of all outer and inner contours over 4π times the area."""
    contours, _ = cv2.findContours(np.pad(mask, 1).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    return sum(cv2.arcLength(contour, closed=True) for contour in contours) ** 2 / (4 * math.pi * mask.sum())


def border_share(mask: Mask) -> float:
    """Share of the pixels with an 8-neighbour outside the mask that lie in the first or last row or column."""
    rim = mask & ~ndimage.binary_erosion(mask, EIGHT, border_value=0)
    frame = np.ones_like(mask)
    frame[1:-1, 1:-1] = False
    return float((rim & frame).sum() / rim.sum())
