"""Variants of MMPose's dictionaries."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from asda_aug import ASDADataset, JointPlacer
from asda_aug.adapters.hints import Hints
from asda_aug.adapters.mmpose import MMPoseAdapter, PackedMMPoseAdapter
from asda_aug.errors import AdapterError
from asda_aug_samples import JOINTS, XY, Element, V, differences, mmpose, packed

DROPPED = np.array([True, False, False, True, False])
FLAGS = np.minimum(V, 1)


def dropped(sample: Any, adapter: Any = MMPoseAdapter) -> Any:
    adapter = adapter(Hints())
    scene = adapter.read(sample)
    scene.labelled = scene.labelled & ~DROPPED
    return adapter.write(sample, scene)


def test_dropped_keypoints_lose_flags_weights_and_maps() -> None:
    sample = mmpose(crop=True)
    sample["keypoints_visible_weights"] = np.ones((1, JOINTS), np.float32)
    written = dropped(sample)
    expected = FLAGS * ~DROPPED
    np.testing.assert_array_equal(written["keypoints_visible"], np.stack([expected, expected], axis=-1)[None])
    np.testing.assert_array_equal(written["keypoint_weights"], expected[None])
    np.testing.assert_array_equal(written["keypoints_visible_weights"], ~DROPPED[None])
    np.testing.assert_array_equal(written["heatmaps"].any(axis=(1, 2)), ~DROPPED)
    assert "keypoints_occluded" not in written


@pytest.mark.parametrize("people", [1, 3])
def test_weights_of_several_encoders_are_a_list(people: int) -> None:
    sample = mmpose(crop=True, people=people)
    sample["keypoint_weights"] = [np.full((people, JOINTS), level, np.float32) for level in (1, 2, 3)]
    del sample["heatmaps"]
    written = dropped(sample)["keypoint_weights"]
    assert isinstance(written, list)
    unlabelled = V == 0
    for level, weights in enumerate(written, start=1):
        np.testing.assert_array_equal(weights, np.full((people, JOINTS), level) * ~(DROPPED & ~unlabelled))
    assert all((weights == level).all() for level, weights in enumerate(sample["keypoint_weights"], start=1))


def test_marked_keypoints_stay_supervised() -> None:
    sample = mmpose(crop=True)
    adapter = MMPoseAdapter(Hints())
    scene = adapter.read(sample)
    scene.visible = ~DROPPED[None]
    written = adapter.write(sample, scene)
    assert differences(sample, written) == {".keypoints_occluded": "key"}
    np.testing.assert_array_equal(written["keypoints_occluded"], DROPPED[None])


def test_before_the_crop_boxes_tell_people_apart() -> None:
    scene = MMPoseAdapter(Hints()).read(mmpose(crop=False, people=3))
    assert not scene.crop
    assert scene.boxes is not None
    assert scene.boxes.shape == (3, 4)
    assert scene.keypoints.shape == (3, JOINTS, 2)


@pytest.mark.parametrize("points", [np.zeros([]), None])
def test_pictures_without_keypoints(points: Any) -> None:
    sample = {"img": mmpose(crop=True)["img"], "keypoints_visible": np.ones((1, 1, 1))}
    sample |= {} if points is None else {"transformed_keypoints": points}
    adapter = MMPoseAdapter(Hints())
    scene = adapter.read(sample)
    assert scene.keypoints.shape == (1, 0, 2)
    assert not differences(sample, adapter.write(sample, scene))


def test_maps_that_people_share_are_not_emptied() -> None:
    sample = mmpose(crop=False, people=2)
    sample["heatmaps"] = np.ones((JOINTS, 16, 12))
    with pytest.raises(AdapterError, match=r"2 people share heat maps, .* before GenerateTarget"):
        dropped(sample)


@pytest.mark.parametrize("transformed", [True, False])
def test_packed_samples_lose_weights_and_maps_in_copies(transformed: bool) -> None:
    sample = packed(transformed)
    scene = PackedMMPoseAdapter(Hints()).read(sample)
    # Peaks are half a cell of four pixels off at most.
    np.testing.assert_allclose(scene.keypoints[0][V > 0], XY[V > 0], atol=1e-6 if transformed else 2)
    written = dropped(sample, PackedMMPoseAdapter)["data_samples"]
    np.testing.assert_array_equal(written.gt_instance_labels.keypoint_weights[0], FLAGS * ~DROPPED)
    np.testing.assert_array_equal(written.gt_fields.heatmaps.flatten(1).any(dim=1), FLAGS * ~DROPPED)
    assert not differences(sample, packed(transformed))


@pytest.mark.parametrize("transformed", [True, False])
def test_packed_targets_of_several_encoders(transformed: bool) -> None:
    sample = packed(transformed)
    labels, fields = sample["data_samples"].gt_instance_labels, sample["data_samples"].gt_fields
    labels.keypoint_weights = torch.stack([labels.keypoint_weights, 2 * labels.keypoint_weights])
    fields.heatmaps = [fields.heatmaps, 2 * fields.heatmaps]
    scene = PackedMMPoseAdapter(Hints()).read(sample)
    np.testing.assert_allclose(scene.keypoints[0][V > 0], XY[V > 0], atol=1e-6 if transformed else 2)
    np.testing.assert_array_equal(scene.labelled[0], V > 0)
    written = dropped(sample, PackedMMPoseAdapter)["data_samples"]
    left = FLAGS * ~DROPPED
    np.testing.assert_array_equal(written.gt_instance_labels.keypoint_weights[:, 0], [left, 2 * left])
    for heatmaps in written.gt_fields.heatmaps:
        np.testing.assert_array_equal(heatmaps.flatten(1).any(dim=1), left)
    np.testing.assert_array_equal(labels.keypoint_weights[:, 0], [FLAGS, 2 * FLAGS])
    assert [int(heatmaps.amax()) for heatmaps in fields.heatmaps] == [1, 2]


def test_packed_samples_without_maps_have_no_keypoints() -> None:
    sample = packed(transformed=False)
    del sample["data_samples"].gt_fields
    assert PackedMMPoseAdapter(Hints()).read(sample).keypoints.shape == (1, 0, 2)
    sample["data_samples"] = Element(gt_instances=Element())
    assert PackedMMPoseAdapter(Hints()).read(sample).keypoints.shape == (1, 0, 2)


def test_where_packed_keypoints_are_not_found_the_warning_says_what_to_do(pasting: dict[str, Any]) -> None:
    sample = packed(transformed=False)
    del sample["data_samples"].gt_fields
    for options in ({"on_occlusion": "drop"}, {"placer": JointPlacer()}):
        with pytest.warns(UserWarning, match="no effect: no keypoints are found .* pass pack_transformed=True to Pack"):
            ASDADataset([sample], **pasting, **options)


def test_packed_samples_of_several_people_belong_into_the_pipeline() -> None:
    sample = packed()
    sample["data_samples"].gt_instance_labels = Element(keypoint_weights=torch.ones(2, JOINTS))
    with pytest.raises(AdapterError, match="of 2 people cannot be read; put PasteParts into the pipeline"):
        PackedMMPoseAdapter(Hints()).read(sample)
