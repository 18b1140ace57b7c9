"""Candidate segments → kept or rejected, with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.filters.config import FilterConfig, Measures, reject_by_pixels, reject_by_shape
from partpool.filters.measures import border_share, raggedness
from partpool.segment.components import Box
from partpool.segment.regions import Regions
from partpool.segment.segmenter import Segment, Segmentation
from partpool.taxonomy.part_classes import Taxonomy


@dataclass(slots=True)
class Judged:
    """A candidate and its verdict.

    Attributes:
        segment: The candidate.
        box: Its tight box in the picture, x0 y0 x1 y1, half-open.
        reason: Why it is rejected, one of :data:`partpool.filters.config.REASONS`, or None if it is kept.
        measured: What the filters saw; pixel measures are NaN if its shape was reason enough.
        mask: Its pixels, 255 or 0, uint8 [h, w], cut to its box; None if its shape was reason enough.
    """

    segment: Segment
    box: Box
    reason: str | None
    measured: Measures
    mask: NDArray[np.uint8] | None


def judge(
    segmentation: Segmentation, image: NDArray[np.uint8], taxonomy: Taxonomy, config: FilterConfig
) -> Iterator[Judged]:
    """Try the filters on every candidate of one person, in order; the first that fails is the reason.

    Args:
        segmentation: The candidates.
        image: uint8 [H, W, 3] BGR.
        taxonomy: Names of the classes.
        config: The thresholds.
    """
    regions = segmentation.regions
    left, top, right, bottom = regions.person_box
    size = (image.shape[1], image.shape[0])
    grey = cv2.cvtColor(image[top:bottom, left:right], cv2.COLOR_BGR2GRAY)
    accepted: list[Segment] = []
    for segment in segmentation.segments:
        x0, y0, x1, y1 = segment.box
        box = (x0 + left, y0 + top, x1 + left, y1 + top)
        name = taxonomy.names[segment.class_id]
        measured = Measures(segment.area, x1 - x0, y1 - y0, segment.largest)
        reason = reject_by_shape(config, name, measured)
        mask = None
        if reason is None:
            mask = regions.mask(segment.members, segment.box)
            measured.raggedness = raggedness(regions.contour_length(segment.members), segment.area)
            measured.border = border_share(mask, box, size)
            measured.texture = regions.texture(segment.members, grey)
            reason = reject_by_pixels(config, name, measured)
        if reason is None:
            members = set(segment.members)
            # Two segments of one person share whole regions or nothing.
            measured.overlap = max(
                (_overlap(regions, segment, other) for other in accepted if not members.isdisjoint(other.members)),
                default=0.0,
            )
            reason = "duplicate" if measured.overlap > config.max_iou else None
        if reason is None:
            accepted.append(segment)
        yield Judged(segment, box, reason, measured, mask)


def _overlap(regions: Regions, one: Segment, other: Segment) -> float:
    """Intersection over union."""
    common = sum(regions.areas[number] for number in set(one.members) & set(other.members))
    return common / (one.area + other.area - common)
