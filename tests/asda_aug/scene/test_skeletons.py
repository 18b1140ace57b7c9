"""Names of the keypoints of common skeletons."""

from __future__ import annotations

import pytest

from asda_aug.scene.skeletons import BY_LENGTH, SKELETONS, keypoint_names
from partpool import ASDA26
from partpool.errors import ConfigError
from partpool.taxonomy.keypoints import MIRRORED_KEYPOINTS, MPII_KEYPOINTS


@pytest.mark.parametrize("name", SKELETONS)
def test_every_skeleton_is_named_once_and_on_both_sides(name: str) -> None:
    names = keypoint_names(name)
    assert names is not None
    assert len(set(names)) == len(names)
    assert {each.replace("left", "right") for each in names} == {each for each in names if not each.startswith("left")}


@pytest.mark.parametrize("name", SKELETONS)
def test_part_classes_find_their_joints_by_these_names(name: str) -> None:
    covered = {keypoint for part_class in ASDA26.classes for keypoint in part_class.keypoints}
    assert {f"{side}_{joint}" for side in ("left", "right") for joint in ("elbow", "knee", "wrist")} <= covered & set(
        SKELETONS[name]
    )


def test_lengths_tell_only_what_is_not_ambiguous() -> None:
    for length, names in BY_LENGTH.items():
        assert [each for each in SKELETONS.values() if len(each) == length] == [names]


def test_names_of_ones_own_and_none_stay() -> None:
    own = ["nose", "tail"]
    assert keypoint_names(own) is own
    assert keypoint_names(None) is None
    with pytest.raises(ConfigError, match="one of coco, mpii, lsp, crowdpose, or a list of names, but got 'dog'"):
        keypoint_names("dog")


def test_a_mirrored_mpii_person_has_its_sides_swapped() -> None:
    for name, place in zip(MPII_KEYPOINTS, MIRRORED_KEYPOINTS, strict=True):
        assert MPII_KEYPOINTS[place].split("_")[-1] == name.split("_")[-1]
        assert (MPII_KEYPOINTS[place] == name) == (not name.startswith(("left", "right")))
