"""Names of the keypoints of common skeletons, so that a part class finds the joints it covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from partpool.errors import ConfigError
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

COCO = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
LSP = (
    "right_ankle", "right_knee", "right_hip", "left_hip", "left_knee", "left_ankle", "right_wrist", "right_elbow",
    "right_shoulder", "left_shoulder", "left_elbow", "left_wrist", "upper_neck", "head_top",
)  # fmt: skip
CROWDPOSE = (
    "left_shoulder", "right_shoulder", "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip",
    "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle", "head_top", "upper_neck",
)  # fmt: skip

SKELETONS: Mapping[str, Sequence[str]] = {"coco": COCO, "mpii": MPII_KEYPOINTS, "lsp": LSP, "crowdpose": CROWDPOSE}
"""Keypoint names by skeleton. Longer skeletons that begin with COCO's 17 (whole-body ones) can use ``"coco"``."""
BY_LENGTH: Mapping[int, Sequence[str]] = {len(COCO): COCO, len(MPII_KEYPOINTS): MPII_KEYPOINTS}
"""Skeletons that their length tells; 14 joints come in several orders."""


def keypoint_names(skeleton: str | Sequence[str] | None) -> Sequence[str] | None:
    """Names of a skeleton's keypoints in order; None stays None.

    Raises:
        ConfigError: If there is no skeleton of that name.
    """
    if not isinstance(skeleton, str):
        return skeleton
    if skeleton not in SKELETONS:
        raise ConfigError(f"skeleton must be one of {', '.join(SKELETONS)}, or a list of names, but got {skeleton!r}")
    return SKELETONS[skeleton]
