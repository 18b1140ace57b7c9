"""Synthetic people: the same for the same numbers, in every scheme, on disk as LIP has them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from partpool import LIP, find_lip, find_pairs
from partpool.synthetic.people import HEIGHTS, VIEWS, View, draw_label_map, draw_person, write_lip_dataset, write_pairs
from partpool.taxonomy.keypoints import MPII_KEYPOINTS
from partpool.taxonomy.schemes import SCHEMES


@pytest.mark.parametrize("view", sorted(set(VIEWS)))
@pytest.mark.parametrize("scheme", ["lip", "densepose-24"])
def test_the_label_map_alone_is_that_of_the_person(view: View, scheme: str) -> None:
    for seed in range(3):
        person = draw_person(np.random.default_rng(seed), view, SCHEMES[scheme])
        labels = draw_label_map(np.random.default_rng(seed), view, SCHEMES[scheme])
        np.testing.assert_array_equal(person.labels, labels)
        assert person.image.shape == (*labels.shape, 3)
        assert person.image.dtype == labels.dtype == np.uint8
        assert labels.max() < len(SCHEMES[scheme].labels)


@pytest.mark.parametrize("view", sorted(set(VIEWS)))
def test_visible_joints_lie_in_the_picture_and_on_the_person(view: View) -> None:
    on_person = []
    for seed in range(6):
        person = draw_person(np.random.default_rng(seed), view)
        height, width = person.labels.shape
        x, y, visible = person.keypoints.T
        np.testing.assert_array_equal(visible > 0, (x >= 0) & (y >= 0) & (x < width) & (y < height))
        joints = [MPII_KEYPOINTS.index(name) for name in ("left_knee", "right_elbow", "thorax", "pelvis")]
        on_person += [person.labels[int(y[j]), int(x[j])] > 0 for j in joints if visible[j]]
        head, ankle = y[MPII_KEYPOINTS.index("head_top")], y[MPII_KEYPOINTS.index("left_ankle")]
        assert 0.8 * HEIGHTS[view][0] < ankle - head < HEIGHTS[view][1]
    assert np.mean(on_person) > 0.8


def test_sides_are_the_person_s_own() -> None:
    """Seen from the front, with a face, the left arm is on the picture's right."""
    left, right, face = (LIP.labels.index(label) for label in ("left-arm", "right-arm", "face"))
    seen = set()
    for seed in range(20):
        labels = draw_label_map(np.random.default_rng(seed), "whole")
        if not {left, right} <= set(np.unique(labels)):
            continue
        mirrored = np.nonzero(labels == left)[1].mean() < np.nonzero(labels == right)[1].mean()
        assert mirrored == (not (labels == face).any())
        seen.add(mirrored)
    assert seen == {False, True}


def test_a_data_set_is_lip_and_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 3), ("b", 3), ("c", 4)):
        write_lip_dataset(tmp_path / name, 3, seed, pose=True)
    files = [sorted(path.relative_to(root) for path in root.rglob("*.*")) for root in sorted(tmp_path.iterdir())]
    assert files[0] == files[1] == files[2]
    contents = [[(tmp_path / name / path).read_bytes() for path in files[0]] for name in "abc"]
    assert contents[0] == contents[1] != contents[2]
    for number, item in enumerate(find_lip(tmp_path / "a")):
        person = draw_person(np.random.default_rng((3, number)), VIEWS[number])
        assert item.labels is not None
        np.testing.assert_array_equal(np.asarray(Image.open(item.labels.path)), person.labels)
        assert item.keypoints is not None
        np.testing.assert_allclose(item.keypoints, person.keypoints, atol=0.51)


def test_pairs_show_the_same_people_in_any_scheme(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path / "lip", 2, seed=5)
    write_pairs(tmp_path / "pairs", 2, SCHEMES["atr"], seed=5)
    pairs = find_pairs(tmp_path / "pairs" / "images", tmp_path / "pairs" / "labels", "atr")
    for item, other in zip(pairs, find_lip(tmp_path / "lip"), strict=True):
        assert item.image is not None
        assert other.image is not None
        assert item.image.path.read_bytes() == other.image.path.read_bytes()
