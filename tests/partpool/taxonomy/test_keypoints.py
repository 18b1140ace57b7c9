"""Names of keypoints, and where a mirrored person's come from."""

from __future__ import annotations

from partpool.taxonomy.asda26 import EXTENDED
from partpool.taxonomy.keypoints import MIRRORED_KEYPOINTS, MPII_KEYPOINTS


def test_mirroring_swaps_sides_and_is_an_involution() -> None:
    assert len(set(MPII_KEYPOINTS)) == 16
    swapped = {"left": "right", "right": "left"}
    for name, source in zip(MPII_KEYPOINTS, MIRRORED_KEYPOINTS, strict=True):
        side, _, joint = name.partition("_")
        assert MPII_KEYPOINTS[source] == (f"{swapped[side]}_{joint}" if side in swapped else name)
    assert [MIRRORED_KEYPOINTS[index] for index in MIRRORED_KEYPOINTS] == list(range(16))


def test_the_order_is_that_of_mpii() -> None:
    """Annotations and pools hold rows of this order; LIP and MPII publish it."""
    assert MPII_KEYPOINTS[:6] == ("right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle")
    assert MPII_KEYPOINTS[6:10] == ("pelvis", "thorax", "upper_neck", "head_top")
    assert MPII_KEYPOINTS[10:] == (
        "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
    )  # fmt: skip


def test_classes_name_keypoints_of_mpii_or_of_the_face() -> None:
    face = {"nose", "left_eye", "right_eye", "left_ear", "right_ear"}
    assert {point for part in EXTENDED.classes for point in part.keypoints} <= {*MPII_KEYPOINTS} | face
