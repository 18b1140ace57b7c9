"""A part: its mirror image, and what it says of itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from partpool import PartPool, build, find_lip
from partpool.pool.part import Part
from partpool.synthetic.people import write_lip_dataset
from partpool.taxonomy.keypoints import MPII_KEYPOINTS


def test_hflip_swaps_sides(pool: Path) -> None:
    opened = PartPool(pool)
    part = opened[int(opened.indices("left-arm")[0])]
    part.keypoints = np.arange(48, dtype=np.float32).reshape(16, 3)
    flipped = part.hflip()
    assert flipped.name == "right-arm"
    assert opened.classes[flipped.class_id].name == "right-arm"
    np.testing.assert_array_equal(flipped.rgb, part.rgb[:, ::-1])
    np.testing.assert_array_equal(flipped.mask, part.mask[:, ::-1])
    assert flipped.keypoints is not None
    left, right = MPII_KEYPOINTS.index("left_wrist"), MPII_KEYPOINTS.index("right_wrist")
    assert flipped.keypoints[left, 0] == part.rgb.shape[1] - part.keypoints[right, 0]
    again = flipped.hflip()
    assert again.name == part.name
    np.testing.assert_array_equal(again.rgb, part.rgb)
    np.testing.assert_array_equal(again.keypoints, part.keypoints)


def test_a_part_without_taxonomy_cannot_flip() -> None:
    zeros = np.zeros(4, np.int32)
    part = Part(np.zeros((2, 2, 3), np.uint8), np.ones((2, 2), bool), 0, "hat", zeros, zeros, "x.jpg")
    with pytest.raises(ValueError, match="without a taxonomy"):
        part.hflip()


def test_a_mirrored_part_has_mirrored_keypoints(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 2, pose=True)
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    for part in PartPool(tmp_path / "pool.h5"):
        mirrored = part.hflip()
        assert part.keypoints is not None
        assert mirrored.keypoints is not None
        for number, name in enumerate(MPII_KEYPOINTS):
            other = name.replace("left", "?").replace("right", "left").replace("?", "right")
            x, y, visible = part.keypoints[MPII_KEYPOINTS.index(other)]
            assert mirrored.keypoints[number].tolist() == [np.float32(part.mask.shape[1]) - x, y, visible]
        np.testing.assert_allclose(mirrored.hflip().keypoints, part.keypoints, rtol=0, atol=1e-4)
