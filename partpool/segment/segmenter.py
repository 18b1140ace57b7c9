"""Label map → candidate segments of every part class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.segment.components import Box
from partpool.segment.neck import NeckLabels
from partpool.segment.regions import NECK, Regions, find_regions
from partpool.taxonomy.part_classes import PartClass, Taxonomy

ISLAND = 0.05
"""Components below this share of the largest are dropped from a segment."""
GAP = 0.04
"""In composed classes components closer than this share of the person's diagonal count as connected."""
MINOR_SHARE = 0.05
"""A composed segment is taken if the labels other than its largest cover this share of it ..."""
MINOR_AREA = 35**2
"""... or this many pixels."""


@dataclass(slots=True)
class Segment:
    """A candidate part of one class.

    Attributes:
        class_id: Its class.
        members: Its regions.
        box: Its tight box within the person's box, half-open.
        area: Its pixels.
        largest: Its largest component over all the class's pixels; 1 for split classes.
    """

    class_id: int
    members: list[int]
    box: Box
    area: int
    largest: float


@dataclass(slots=True)
class Segmentation:
    """The candidates of one person, ordered by class, then from large to small.

    Attributes:
        regions: What the segments are made of.
        segments: The candidates.
        islands: Number of components dropped as islands, by class id.
    """

    regions: Regions
    segments: list[Segment]
    islands: dict[int, int]


@dataclass(frozen=True, slots=True)
class _ClassLabels:
    """A part class in pixel values."""

    part: PartClass
    labels: tuple[int, ...]
    bridge: frozenset[int]
    requires: tuple[frozenset[int], ...]
    neck: bool


class Segmenter:
    """Cuts label maps of one scheme into candidate segments of one taxonomy.

    Args:
        taxonomy: The part classes.
    """

    def __init__(self, taxonomy: Taxonomy) -> None:
        scheme = taxonomy.scheme
        self.taxonomy = taxonomy
        self._neck = NeckLabels(scheme.ids(scheme.neck.face), scheme.ids(scheme.neck.torso)) if scheme.neck else None
        self._classes = [self._labels_of(part) for part in taxonomy.classes]

    def _labels_of(self, part: PartClass) -> _ClassLabels:
        scheme = self.taxonomy.scheme
        labels = frozenset(scheme.ids(part.labels))
        neck = self._neck is not None and bool(labels & set(self._neck.face)) and bool(labels & set(self._neck.torso))
        requires = tuple(frozenset(scheme.ids(group)) for group in part.requires)
        return _ClassLabels(part, scheme.ids(part.labels), frozenset(scheme.ids(part.bridge)), requires, neck)

    def __call__(self, label_map: NDArray[np.uint8]) -> Segmentation | None:
        """Candidate segments of a label map, or None if it is background only.

        Args:
            label_map: uint8 [H, W], values below the scheme's number of labels.
        """
        neck = self._neck if any(wanted.neck for wanted in self._classes) else None
        regions = find_regions(label_map, neck)
        if regions is None:
            return None
        result = Segmentation(regions, [], {})
        by_label: dict[int, list[int]] = {}
        for number, label in enumerate(regions.labels):
            by_label.setdefault(label, []).append(number)
        for class_id, wanted in enumerate(self._classes):
            groups = _connected_groups(regions, by_label, wanted)
            if groups and wanted.part.split:
                result.segments += [Segment(class_id, *_members_box_area(regions, group), 1.0) for group in groups]
            elif groups:
                kept, largest = _without_islands(regions, groups)
                if len(kept) < len(groups):
                    result.islands[class_id] = len(groups) - len(kept)
                members = [number for group in kept for number in group]
                if _is_more_than_one_label(regions, wanted, members):
                    result.segments.append(Segment(class_id, *_members_box_area(regions, members), largest))
        return result


def _total_area(regions: Regions, members: Iterable[int]) -> int:
    return sum(regions.areas[number] for number in members)


def _members_box_area(regions: Regions, members: list[int]) -> tuple[list[int], Box, int]:
    if len(members) == 1:
        return members, regions.boxes[members[0]], regions.areas[members[0]]
    x0, y0, x1, y1 = zip(*(regions.boxes[number] for number in members), strict=True)
    return members, (min(x0), min(y0), max(x1), max(y1)), _total_area(regions, members)


def _connected_groups(regions: Regions, by_label: Mapping[int, list[int]], wanted: _ClassLabels) -> list[list[int]]:
    """The class's connected components as lists of regions, from large to small."""
    numbers = [number for label in wanted.labels for number in by_label.get(label, ())]
    if not numbers:
        return []
    if not wanted.part.composed:
        groups = [[number] for number in numbers]
    else:
        members = set(numbers)
        if wanted.bridge:
            members |= _touching_bridges(regions, wanted, members)
        if wanted.neck:
            members.update(regions.necks)
        groups = _graph_components(members, regions.edges)
        if len(groups) > 1 and not wanted.neck and not wanted.part.split:
            groups = _join_close(regions, groups)
    if len(groups) == 1:
        return groups
    # The box decides about the order of equal areas.
    return sorted(groups, key=lambda group: (-_total_area(regions, group), regions.boxes[group[0]]))


def _touching_bridges(regions: Regions, wanted: _ClassLabels, members: set[int]) -> set[int]:
    return {
        other
        for a, b in regions.edges
        for one, other in ((a, b), (b, a))
        if one in members and regions.labels[other] in wanted.bridge
    }


def _graph_components(nodes: Iterable[int], edges: Iterable[tuple[int, int]]) -> list[list[int]]:
    """Connected components of a graph (union-find), each sorted."""
    parent = {node: node for node in nodes}

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for a, b in edges:
        if a in parent and b in parent:
            parent[root(a)] = root(b)
    groups: dict[int, list[int]] = {}
    for node in sorted(parent):
        groups.setdefault(root(node), []).append(node)
    return list(groups.values())


def _join_close(regions: Regions, groups: list[list[int]]) -> list[list[int]]:
    """Merge groups with pixels closer than the gap."""
    gap = GAP * math.hypot(*regions.shape)
    edges = []
    # Of every pair one is the smaller, and a distance map around the smaller is the cheaper one.
    by_area = sorted(range(len(groups)), key=lambda index: _total_area(regions, groups[index]))
    boxes = [_members_box_area(regions, group)[1] for group in groups]
    for rank, index in enumerate(by_area):
        near = [other for other in by_area[rank + 1 :] if _box_distance(boxes[index], boxes[other]) < gap]
        edges += [(index, other) for other in _groups_within_gap(regions, groups, boxes[index], index, near, gap)]
    merged = _graph_components(range(len(groups)), edges)
    return [sorted(number for index in part for number in groups[index]) for part in merged]


def _box_distance(one: Box, other: Box) -> float:
    """Distance of the nearest pixels of two half-open boxes."""
    dx = max(one[0] - other[2] + 1, other[0] - one[2] + 1, 0)
    dy = max(one[1] - other[3] + 1, other[1] - one[3] + 1, 0)
    return math.hypot(dx, dy)


def _groups_within_gap(
    regions: Regions, groups: list[list[int]], box: Box, index: int, others: list[int], gap: float
) -> Iterable[int]:
    """Which of ``others`` have a pixel closer than ``gap`` to group ``index``."""
    if not others:
        return
    reach = math.ceil(gap)
    height, width = regions.shape
    window = (
        max(0, box[0] - reach), max(0, box[1] - reach), min(width, box[2] + reach), min(height, box[3] + reach)
    )  # fmt: skip
    own = regions.mask(groups[index], window)
    near = cv2.distanceTransform(~own, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) < gap
    for other in others:
        if (near & (regions.mask(groups[other], window) != 0)).any():
            yield other


def _without_islands(regions: Regions, groups: list[list[int]]) -> tuple[list[list[int]], float]:
    """The largest group and all that are not much smaller; and its share of all the class's pixels."""
    if len(groups) == 1:
        return groups, 1.0
    areas = [_total_area(regions, group) for group in groups]
    kept = [group for group, area in zip(groups, areas, strict=True) if area >= ISLAND * areas[0]]
    return kept, areas[0] / sum(areas)


def _is_more_than_one_label(regions: Regions, wanted: _ClassLabels, members: list[int]) -> bool:
    """Whether a segment of a composed class is more than one of its labels."""
    if not wanted.part.composed:
        return True
    by_label: dict[int, int] = {}
    for number in members:
        label = regions.labels[number]
        by_label[label] = by_label.get(label, 0) + regions.areas[number]
    total = sum(by_label.values())
    by_label.pop(NECK, None)
    if not by_label or not all(group & by_label.keys() for group in wanted.requires):
        return False
    minor = sum(by_label.values()) - max(by_label.values())
    return wanted.part.pieces or minor >= min(MINOR_SHARE * total, MINOR_AREA)
