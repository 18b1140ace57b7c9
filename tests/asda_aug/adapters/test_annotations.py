"""Keypoints and boxes in every form that they are stored in."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from asda_aug.adapters.annotations import boxes_xyxy, is_keypoints, read_points, write_points
from asda_aug.errors import AdapterError
from asda_aug_samples import differences


class Joint(NamedTuple):
    x: float
    y: float
    v: float


FORMS: dict[str, Any] = {
    "float64": lambda xyv: {"keypoints": xyv},
    "float32, Fortran": lambda xyv: {"keypoints": np.asfortranarray(xyv, np.float32)},
    "tensor": lambda xyv: {"keypoints": torch.from_numpy(xyv).float()},
    "lists": lambda xyv: {"keypoints": xyv.tolist()},
    "tuples": lambda xyv: {"keypoints": [[tuple(joint) for joint in person] for person in xyv.tolist()]},
    "named tuples": lambda xyv: {"keypoints": [[Joint(*joint) for joint in person] for person in xyv.tolist()]},
    "numbers of NumPy": lambda xyv: {"keypoints": [[list(joint) for joint in person] for person in xyv]},
    "v beside": lambda xyv: {"keypoints": xyv[..., :2], "visibility": xyv[..., 2].astype(np.int64)},
    "v beside, with an axis": lambda xyv: {"keypoints": xyv[..., :2], "keypoints_visible": xyv[..., 2:].copy()},
    "v beside, tensors": lambda xyv: {
        "keypoints": torch.from_numpy(xyv[..., :2]),
        "visible": torch.tensor(xyv[..., 2]),
    },
}


@st.composite
def people(draw: st.DrawFn) -> np.ndarray[Any, Any]:
    count, joints = draw(st.integers(1, 4)), draw(st.integers(1, 20))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    xyv = rng.normal(100, 100, (count, joints, 3)).astype(np.float32).astype(float)
    xyv[..., 2] = rng.integers(0, 3, (count, joints))
    return xyv


@pytest.mark.parametrize("form", FORMS)
@given(people(), st.data())
def test_changed_flags_change_v_alone(form: str, xyv: np.ndarray[Any, Any], data: st.DataObject) -> None:
    fields = FORMS[form](xyv.copy())
    before = read_points(fields)
    assert before is not None
    np.testing.assert_array_equal(before.points, xyv[..., :2])
    np.testing.assert_array_equal(before.labelled, xyv[..., 2] > 0)
    np.testing.assert_array_equal(before.visible, xyv[..., 2] > 1)

    covered = np.random.default_rng(data.draw(st.integers(0, 2**32))).random(xyv.shape[:2]) < 0.3
    policy = data.draw(st.sampled_from(["mark", "drop"]))
    labelled = before.labelled & ~covered if policy == "drop" else before.labelled
    visible = before.visible & ~covered if policy == "mark" else before.visible
    changed = write_points(fields, labelled, visible)

    expected = xyv.copy()
    v = expected[..., 2]
    v[covered & (v > 0 if policy == "drop" else v > 1)] = 0 if policy == "drop" else 1
    assert bool(changed) == bool((expected != xyv).any())
    assert not differences(fields | changed, FORMS[form](expected))
    assert not differences(fields, FORMS[form](xyv))


def test_a_bool_says_labelled_and_visible_at_once() -> None:
    fields = {"keypoints": np.zeros((4, 2)), "visibility": np.array([True, True, True, False])}
    points = read_points(fields)
    assert points is not None
    assert points.labelled.tolist() == points.visible.tolist() == [[True, True, True, False]]
    flags = np.array([[False, True, True, False]]), np.array([[True, False, True, False]])
    assert write_points(fields, *flags)["visibility"].tolist() == [False, False, True, False]


def test_keypoints_without_v_are_labelled_where_they_are_finite() -> None:
    fields = {"keypoints": [[1.0, 2], [float("nan"), 0], [3, float("inf")]]}
    points = read_points(fields)
    assert points is not None
    assert points.labelled.tolist() == points.visible.tolist() == [[True, False, False]]
    assert write_points(fields, points.labelled, points.visible) == {}
    with pytest.raises(AdapterError, match=r"no visibility, .* pass on_occlusion='keep', or add a third column"):
        write_points(fields, points.labelled & False, points.visible)


def test_a_keypoint_at_nan_is_unlabelled_whatever_v_says() -> None:
    points = read_points({"keypoints": np.array([[np.nan, 1, 2], [3, 1, 2]])})
    assert points is not None
    assert points.labelled.tolist() == points.visible.tolist() == [[False, True]]


@pytest.mark.parametrize("nothing", [[], np.zeros((0, 17, 3)), torch.zeros(0, 3)])
def test_nobody(nothing: Any) -> None:
    assert read_points({"keypoints": nothing}) is None
    assert read_points({}) is None
    assert write_points({"keypoints": nothing}, np.zeros((1, 0), bool), np.zeros((1, 0), bool)) == {}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"keypoints": np.zeros((5, 4))}, r"keypoints must have shape \(K, 2\), .* but got \(5, 4\)"),
        ({"keypoints": np.zeros(34)}, r"but got \(34,\)"),
        ({"keypoints": np.zeros((1, 1, 5, 2))}, r"but got \(1, 1, 5, 2\)"),
        ({"keypoints": np.zeros((5, 2)), "visibility": np.zeros(4)}, r"visibility must .* \(1, 5\), but got \(4,\)"),
    ],
)
def test_other_shapes_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(AdapterError, match=message):
        read_points(fields)


@pytest.mark.parametrize(
    ("values", "is_one"),
    [
        ([], True), (np.zeros((17, 3)), True), (np.zeros((2, 17, 2)), True), (torch.zeros(17, 2), True),
        ([(1, 2), (3, 4)], True), (np.zeros((17, 4)), False), (np.zeros(17), False), ("text", False), ({}, False),
        ([[1, 2], [3]], False), (["a", "b"], False), (5, False), (np.zeros((17, 3), np.uint8), False), (None, False),
    ],
)  # fmt: skip
def test_what_has_the_shape_of_keypoints(values: Any, is_one: bool) -> None:
    assert is_keypoints(values) == is_one


def test_boxes_in_every_form() -> None:
    expected = [[1.0, 2, 5, 8], [0, 0, 3, 4]]
    assert boxes_xyxy(expected).tolist() == expected
    assert boxes_xyxy(torch.tensor(expected)).tolist() == expected
    assert boxes_xyxy([[*box, 7] for box in expected]).tolist() == expected
    assert boxes_xyxy(expected[0]).tolist() == expected[:1]
    assert boxes_xyxy([]).shape == boxes_xyxy(torch.zeros(0, 4)).shape == (0, 4)
    with pytest.raises(AdapterError, match=r"boxes must have shape \(P, 4\) or \(4,\), but got \(2, 3\)"):
        boxes_xyxy(np.zeros((2, 3)))
