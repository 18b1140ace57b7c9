"""Segments, measures and verdicts beside those of the oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from oracles import segmentation as oracle
from partpool import ASDA26, FilterConfig, Taxonomy
from partpool.filters.judging import judge
from partpool.segment.segmenter import Segmentation, Segmenter

LabelMap = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def full_mask(segmentation: Segmentation, members: list[int], shape: Sequence[int]) -> Mask:
    """Pixels of some regions in the whole picture."""
    x0, y0, x1, y1 = segmentation.regions.person_box
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = segmentation.regions.mask(members, (0, 0, x1 - x0, y1 - y0)) > 0
    return mask


def assert_equals_oracle(
    label_map: LabelMap, image: NDArray[np.uint8], taxonomy: Taxonomy, config: FilterConfig
) -> None:
    """Same classes, pixels, largest shares, islands, boxes, measures and verdicts."""
    segmentation = Segmenter(taxonomy)(label_map)
    expected, islands = oracle.segment(label_map, taxonomy)
    if segmentation is None:
        assert not label_map.any()
        return
    assert {taxonomy.names[class_id]: count for class_id, count in segmentation.islands.items()} == islands
    found = {}
    for judged in judge(segmentation, image, taxonomy, config):
        segment = judged.segment
        mask = full_mask(segmentation, segment.members, label_map.shape)
        rows, columns = np.nonzero(mask)
        assert judged.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert segment.area == len(rows)
        if judged.mask is not None:
            x0, y0, x1, y1 = judged.box
            np.testing.assert_array_equal(judged.mask, np.where(mask[y0:y1, x0:x1], 255, 0))
        found[taxonomy.names[segment.class_id], mask.tobytes()] = judged
    assert len(found) == len(segmentation.segments)
    assert sorted(name for name, _ in found) == sorted(candidate.name for candidate in expected)
    for (name, mask, largest), verdict in zip(expected, oracle.judge(expected, image, config), strict=True):
        assert (name, mask.tobytes()) in found, f"{name} has other pixels"
        judged = found[name, mask.tobytes()]
        assert judged.segment.largest == largest, name
        assert judged.reason == verdict.reason, name
        if judged.mask is not None:
            measured = (judged.measured.raggedness, judged.measured.border, judged.measured.texture)
            assert measured == pytest.approx(verdict[1:], abs=1e-6), name


def segments_of(label_map: LabelMap, name: str, taxonomy: Taxonomy = ASDA26) -> list[tuple[Mask, float]]:
    """Masks and largest shares of one class's segments; the whole map is compared with the oracle by the way."""
    image = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, taxonomy, FilterConfig())
    segmentation = Segmenter(taxonomy)(label_map)
    assert segmentation is not None
    class_id = taxonomy.id(name)
    return [
        (full_mask(segmentation, segment.members, label_map.shape), segment.largest)
        for segment in segmentation.segments
        if segment.class_id == class_id
    ]
