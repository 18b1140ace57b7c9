from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from asda_aug import Frame, JointPlacer, RandomPlacer, Scene
from asda_aug.sampling.placers import Placed, Placer, Target
from asda_aug.scene.skeletons import COCO
from partpool import ASDA26
from partpool.errors import ConfigError

SIZE = (192, 256)
BOX = (20.0, 30.0, 120.0, 230.0)


def place(placer: Placer, scene: Scene, name: str = "left-arm", times: int = 300) -> list[Placed]:
    rng = np.random.default_rng(0)
    target = Target(ASDA26.id(name), ASDA26[name], 0, BOX)
    return placer.place(rng, scene, SIZE, [target] * times)


def scene(**options: Any) -> Scene:
    return Scene(np.zeros((256, 192, 3), np.uint8), **options)


def test_theta_is_uniform_in_its_ranges() -> None:
    placed = place(RandomPlacer(), scene(), times=3000)
    theta = np.array([each.placement for each in placed])
    low, high = np.array([0.7, -math.pi / 6, -0.5, -0.5]), np.array([1.3, math.pi / 6, 0.5, 0.5])
    assert ((theta >= low) & (theta <= high)).all()
    np.testing.assert_allclose(theta.mean(axis=0), (low + high) / 2, atol=0.03)
    np.testing.assert_allclose(theta.std(axis=0), (high - low) / math.sqrt(12), rtol=0.05)
    assert np.abs(np.corrcoef(theta.T) - np.eye(4)).max() < 0.06


def test_ranges_can_be_points() -> None:
    (placed,) = place(RandomPlacer(s=(1, 1), r=(0, 0), tx=(0.2, 0.2), ty=(0, 0)), scene(), times=1)
    assert placed.placement == (1, 0, 0.2, 0)


def test_frames_of_crops_and_photographs() -> None:
    (crop,) = place(RandomPlacer(), scene(), times=1)
    assert crop.frame == Frame.of_image(192, 256)
    assert crop.joint is None
    (photograph,) = place(RandomPlacer(), scene(boxes=[BOX], crop=False, keypoints=np.zeros((1, 0, 2))), times=1)
    assert photograph.frame == Frame.of_box(BOX, 1.25)


def test_joints_that_the_class_covers() -> None:
    points = np.random.default_rng(0).uniform(10, 180, (17, 2))
    placed = place(JointPlacer(), scene(keypoints=points, keypoint_names=COCO))
    covered = {COCO.index(name) for name in ("left_shoulder", "left_elbow", "left_wrist")}
    assert {each.joint for each in placed} == covered
    for each in placed:
        assert each.joint is not None
        assert each.frame == Frame(*points[each.joint], 25, 50)


def test_joints_that_are_not_labelled_or_outside_are_no_anchor() -> None:
    points = np.full((17, 2), 50.0)
    labelled = np.zeros(17, bool)
    labelled[[COCO.index("left_elbow"), COCO.index("left_wrist")]] = True
    points[COCO.index("left_wrist")] = (500, 50)
    placed = place(JointPlacer(), scene(keypoints=points, labelled=labelled, keypoint_names=COCO))
    assert {each.joint for each in placed} == {COCO.index("left_elbow")}


@pytest.mark.parametrize("names", [None, COCO])
def test_without_such_a_joint_any_serves(names: Any) -> None:
    labelled = np.zeros(17, bool)
    labelled[[0, 11]] = True
    placed = place(JointPlacer(), scene(keypoints=np.full((17, 2), 50.0), labelled=labelled, keypoint_names=names))
    assert {each.joint for each in placed} == {0, 11}


def test_without_any_joint_the_image_serves() -> None:
    unlabelled = scene(keypoints=np.full((17, 2), 50.0), labelled=np.zeros(17, bool))
    for each in place(JointPlacer(), unlabelled, times=3) + place(JointPlacer(), scene(), times=3):
        assert each.frame == Frame.of_image(192, 256)
        assert each.joint is None


@pytest.mark.parametrize(
    "options", [{"s": (0, 1)}, {"s": (1.2, 0.8)}, {"r": (0, math.inf)}, {"tx": (1, 0)}, {"anchor": "elbow"}]
)
def test_wrong_options_are_named(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=f"{next(iter(options))} must be"):
        RandomPlacer(**options)


def test_it_says_what_it_is() -> None:
    assert repr(JointPlacer(s=(1, 1))).startswith("JointPlacer(s=(1.0, 1.0), r=")
