"""The neck that label maps leave out: where it is filled, and where not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from oracles import segmentation as oracle
from oracles.comparison import assert_equals_oracle, segments_of
from partpool import ASDA26, LIP, FilterConfig, LabelScheme, PartClass, Taxonomy
from partpool.segment.components import label_boxes
from partpool.segment.neck import NeckLabels, neck_candidates
from partpool.taxonomy.schemes import NeckRule
from segment_maps import draw_blocks, neck_map

LabelMap = NDArray[np.uint8]

Mask = NDArray[np.bool_]


@pytest.mark.parametrize("length", [1, 5, 16])
def test_the_neck_is_filled_and_nothing_beside_it(length: int) -> None:
    # An arm that is close to the coat and the face: a closing would fill what lies between.
    label_map = neck_map(length, ("left-arm", 52, 14, 56, 50))
    ((mask, largest),) = segments_of(label_map, "upper-body-with-head")
    neck = np.zeros_like(mask)
    neck[20 : 20 + length, 27:34] = True  # 70 % of the face's 10 pixels from side to side, about column 30
    np.testing.assert_array_equal(mask, neck | np.isin(label_map, LIP.ids(("coat", "face", "left-arm"))))
    body = 11 * 14 + 41 * (40 - length) + 7 * length
    assert largest == body / (body + 4 * 36)
    ((upper, _),) = segments_of(label_map, "upper-body")
    np.testing.assert_array_equal(upper, np.isin(label_map, LIP.ids(("coat", "left-arm"))))


@pytest.mark.parametrize("length", [17, 24, 31, 36])
def test_a_neck_longer_than_its_reach_is_not_filled(length: int) -> None:
    """Up to 31 rows some pixels are within 16 of both, but touch neither."""
    label_map = neck_map(length)
    ((mask, largest),) = segments_of(label_map, "upper-body-with-head")
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(("coat", "face"))))
    assert largest < 1


def test_a_neck_keeps_off_other_labels() -> None:
    label_map = neck_map(5, ("right-leg", 29, 20, 31, 25))
    ((mask, _),) = segments_of(label_map, "upper-body-with-head")
    assert int(mask[20:25].sum()) == 5 * (7 - 2)
    assert not mask[20:25, 29:31].any()


def test_a_neck_hangs_from_the_largest_face_only() -> None:
    label_map = neck_map(5, ("face", 40, 10, 46, 20))
    ((mask, _),) = segments_of(label_map, "upper-body-with-head")
    assert mask[20:25, 27:34].all()
    assert not mask[20:25, 40:46].any()


def test_the_limits_of_the_face_belong_to_its_middle() -> None:
    """All 15 columns within 7 of the middle, also where the axis is slanted and rounding leaves a limit a hair out."""
    for torso in (("coat", 0, 2, 9, 12), ("coat", 13, 2, 22, 12)):
        label_map = draw_blocks(torso, ("face", 0, 0, 21, 1), ("left-leg", 0, 11, 22, 12), size=(22, 12))
        neck = oracle.find_necks(label_map, LIP)
        ((mask, _),) = segments_of(label_map, "upper-body-with-head")
        np.testing.assert_array_equal(mask & (label_map == 0), neck)


def test_a_face_two_pixels_wide_has_no_middle_for_a_neck_to_hang_from() -> None:
    label_map = np.kron(np.array([LIP.ids(("coat", "face", "hat"))], np.uint8), np.ones((2, 2), np.uint8))
    image = np.zeros((*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, ASDA26, FilterConfig(min_area=1))


def test_a_neck_between_others_is_no_part() -> None:
    """Face and coat are not in the class, so the neck between them leaves nothing that the class is composed of."""
    scheme = LabelScheme(
        "bearded",
        ("background", "face", "beard", "shirt", "coat"),
        NeckRule(face=("face", "beard"), torso=("shirt", "coat")),
    )
    taxonomy = Taxonomy("bearded", scheme, (PartClass("beard-and-shirt", ("beard", "shirt"), 0.5),))
    label_map = np.zeros((40, 40), np.uint8)
    label_map[0:10, 15:25] = 1
    label_map[15:30, 10:30] = 4
    label_map[0, 39] = 2
    label_map[39, 0] = 3
    assert segments_of(label_map, "beard-and-shirt", taxonomy) == []


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_candidates_hold_every_neck_and_background_only(data: st.DataObject) -> None:
    """What touches neither face nor torso is sorted out later, so there may be more than the oracle fills."""
    height, width = data.draw(st.integers(8, 40)), data.draw(st.integers(8, 40))
    face, coat, arm = LIP.ids(("face", "coat", "left-arm"))
    person = np.zeros((height, width), np.uint8)
    for label in (coat, arm, face):
        x, y = data.draw(st.integers(0, width - 2)), data.draw(st.integers(0, height - 2))
        person[y : y + data.draw(st.integers(1, 15)), x : x + data.draw(st.integers(1, 15))] = label
    # The person fills its box, whose diagonal the reach is a share of.
    person[0, 0] = person[-1, -1] = arm
    assume(len(oracle.components(person == face)) == 1)
    assume((person == coat).any())
    found = neck_candidates(person, NeckLabels((face,), (coat,)), label_boxes(person))
    filled = np.zeros_like(person)
    if found is not None:
        mask, (x0, y0, x1, y1) = found
        filled[y0:y1, x0:x1] = mask
        assert set(np.unique(mask)) <= {0, 255}
        assert all(side.any() for side in (mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    assert (person[filled > 0] == 0).all()
    assert (filled[oracle.find_necks(person, LIP)] == 255).all()


def test_no_neck_without_face_or_torso() -> None:
    for labels in (("face", "left-arm"), ("coat", "left-arm"), ()):
        person = np.zeros((20, 20), np.uint8)
        for row, value in enumerate(LIP.ids(labels)):
            person[8 * row : 8 * row + 5] = value
        neck = NeckLabels(LIP.ids(("face",)), LIP.ids(("coat",)))
        assert neck_candidates(person, neck, label_boxes(person)) is None
