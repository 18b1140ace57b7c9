"""Names of the keypoints that parts and people carry, in MPII order."""

from __future__ import annotations

MPII_KEYPOINTS = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "pelvis", "thorax", "upper_neck",
    "head_top", "right_wrist", "right_elbow", "right_shoulder", "left_shoulder", "left_elbow", "left_wrist",
)  # fmt: skip
"""What MPII calls its joints, in its order."""
MIRRORED_KEYPOINTS = [
    MPII_KEYPOINTS.index(name.replace("left", "right") if name.startswith("left") else name.replace("right", "left"))
    for name in MPII_KEYPOINTS
]
"""Where each keypoint of a mirrored person comes from (an involution)."""
