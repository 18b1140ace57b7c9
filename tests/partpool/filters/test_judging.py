"""Every reason to reject a segment, alone and in order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from partpool import LIP, FilterConfig, PartClass, Taxonomy
from partpool.filters.config import REASONS
from partpool.filters.judging import Judged, judge
from partpool.segment.segmenter import Segmenter

LabelMap = NDArray[np.uint8]

COAT, HAT, DRESS = LIP.ids(("coat", "hat", "dress"))

COATS = Taxonomy("coats", LIP, (PartClass("coat", ("coat",), 0.3),))


def run_filters(
    label_map: LabelMap, config: FilterConfig, taxonomy: Taxonomy = COATS, image: NDArray[np.uint8] | None = None
) -> dict[str, Judged]:
    """The verdict on every class of a taxonomy; the picture is noise unless given."""
    if image is None:
        image = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    segmentation = Segmenter(taxonomy)(label_map)
    assert segmentation is not None
    return {
        taxonomy.names[judged.segment.class_id]: judged for judged in judge(segmentation, image, taxonomy, config)
    }  # fmt: skip


def coat(*boxes: tuple[int, int, int, int], size: tuple[int, int] = (400, 400)) -> LabelMap:
    """A label map [H, W] of coats in boxes x0, y0, x1, y1; ``size`` is width and height."""
    label_map = np.zeros(size[::-1], np.uint8)
    for x0, y0, x1, y1 in boxes:
        label_map[y0:y1, x0:x1] = COAT
    return label_map


def bar(half: int) -> LabelMap:
    """A diagonal bar, 2 · half + 1 columns wide: nothing but sparse."""
    rows, columns = np.mgrid[0:320, 0:320]
    label_map = coat()
    label_map[40:360, 40:360][abs(rows - columns) <= half] = COAT
    return label_map


def comb(teeth: int) -> LabelMap:
    """A block with one pixel wide teeth: nothing but ragged."""
    return coat((20, 20, 120, 60), *((20 + 3 * tooth, 60, 21 + 3 * tooth, 100) for tooth in range(teeth)))


ALONE = [
    pytest.param("small", coat((9, 9, 43, 45)), coat((9, 9, 44, 44)), {"min_area": 1224}, id="small"),
    pytest.param(
        "scattered", coat((9, 9, 49, 49), (60, 9, 65, 45)), coat((9, 9, 49, 49), (60, 9, 64, 49)),
        {"min_largest": 0.89}, id="scattered",
    ),
    # 11 pixels are either less than 35² in all or more than ten times as long.
    pytest.param("thin", coat((9, 9, 20, 121)), coat((9, 9, 21, 129)), {"min_side": 11, "max_aspect": 11}, id="thin"),
    pytest.param("thin", coat((9, 9, 21, 130)), coat((9, 9, 129, 21)), {"max_aspect": 10.1}, id="long"),
    pytest.param("sparse", bar(20), bar(30), {"min_fill": 0.1}, id="sparse"),
    pytest.param("ragged", comb(12), comb(4), {"max_raggedness": 99}, id="ragged"),
    pytest.param(
        "truncated", coat((0, 0, 40, 40)), coat((0, 9, 40, 49)), {"max_border": 0.6}, id="truncated"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "rejected", "kept", "looser"), ALONE)
def test_a_reason_alone(reason: str, rejected: LabelMap, kept: LabelMap, looser: dict[str, float]) -> None:
    """A segment just over the limit, one on or below it, and the first again under a looser limit."""
    assert run_filters(rejected, FilterConfig())["coat"].reason == reason
    assert run_filters(kept, FilterConfig())["coat"].reason is None
    assert run_filters(rejected, FilterConfig(**looser))["coat"].reason is None


@pytest.mark.parametrize(("contrast", "reason"), [(6, "flat"), (10, None)])
def test_flat_alone(contrast: int, reason: str | None) -> None:
    """Two halves: the deviation is half their contrast, whatever lies around them."""
    label_map = coat((9, 9, 49, 49))
    image = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    image[9:49, 9:29], image[9:49, 29:49] = 100, 100 + contrast
    judged = run_filters(label_map, FilterConfig(), image=image)["coat"]
    assert judged.reason == reason
    assert judged.measured.texture == pytest.approx(contrast / 2)
    assert run_filters(label_map, FilterConfig(min_texture=3), image=image)["coat"].reason is None


TWINS = Taxonomy(
    "twins",
    LIP,
    (
        PartClass("dress", ("dress",), 0.3),
        PartClass("coat", ("coat",), 0.3),
        PartClass("both", ("coat", "dress"), 0.3),
        PartClass("again", ("coat", "dress"), 0.3),
    ),
)


def twins(width: int) -> LabelMap:
    """A coat 200 wide with a dress of some width below, both 40 high."""
    label_map = coat((9, 9, 209, 49))
    label_map[49:89, 9 : 9 + width] = DRESS
    return label_map


def test_duplicate_alone() -> None:
    reasons = {name: judged.reason for name, judged in run_filters(twins(100), FilterConfig(), TWINS).items()}
    assert reasons == {"dress": None, "coat": None, "both": None, "again": "duplicate"}
    loose = run_filters(twins(100), FilterConfig(max_iou=1), TWINS)
    assert {judged.reason for judged in loose.values()} == {None}
    # 8000 of 12000 pixels are the coat's.
    strict = run_filters(twins(100), FilterConfig(max_iou=0.66), TWINS)
    assert [name for name, judged in strict.items() if judged.reason == "duplicate"] == ["both", "again"]
    just = run_filters(twins(100), FilterConfig(max_iou=2 / 3), TWINS)
    assert just["both"].reason is None


def test_only_accepted_segments_make_duplicates() -> None:
    """Both is too ragged to be accepted, so the same pixels again are no duplicate of it."""
    found = run_filters(twins(100), FilterConfig(max_raggedness_of={"both": 1}), TWINS)
    assert (found["both"].reason, found["again"].reason) == ("ragged", None)


def test_the_first_reason_in_order_counts() -> None:
    """A dashed line that fails every filter: as each is let go, the next one speaks."""
    label_map = np.zeros((240, 360), np.uint8)
    label_map[1:200, 10:180], label_map[1:200, 180:340] = COAT, DRESS
    for dash in range(5):
        label_map[0, 20 + 76 * dash : 29 + 76 * dash] = HAT
    taxonomy = Taxonomy(
        "dashed", LIP, (PartClass("whole", ("hat", "coat", "dress"), 0.5), PartClass("hat", ("hat",), 0.2))
    )
    image = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    image[0] = 128
    config = FilterConfig(max_iou=0.0, min_largest_of={})
    looser: dict[str, dict[str, Any]] = {
        "small": {"min_area": 1},
        "scattered": {"min_largest": 0},
        "thin": {"min_side": 1, "max_aspect": 1000},
        "sparse": {"min_fill": 0},
        "ragged": {"max_raggedness": 1000},
        "truncated": {"max_border": 1},
        "flat": {"min_texture": 0},
        "duplicate": {"max_iou": 1},
    }
    assert tuple(looser) == REASONS
    for reason, change in looser.items():
        found = run_filters(label_map, config, taxonomy, image)
        assert (found["whole"].reason, found["hat"].reason) == (None, reason)
        config = replace(config, **change)
    assert run_filters(label_map, config, taxonomy, image)["hat"].reason is None


def test_pixels_are_measured_only_if_the_shape_will_do() -> None:
    small = run_filters(coat((9, 9, 19, 19)), FilterConfig())["coat"]
    assert small.mask is None
    assert np.isnan([small.measured.raggedness, small.measured.border, small.measured.texture]).all()
    cut_off = run_filters(coat((0, 0, 40, 40)), FilterConfig())["coat"]
    assert cut_off.mask is not None
    assert cut_off.mask.shape == (40, 40)
    assert cut_off.measured.border == pytest.approx(79 / 156)
