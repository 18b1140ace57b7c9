"""The built-in taxonomies over the LIP scheme: the 26 classes of ASDA, and a few more.

Sizes and reference names follow the part table of the ASDA reference implementation where it has the class.
"""

from __future__ import annotations

from partpool.taxonomy.part_classes import PartClass, Taxonomy
from partpool.taxonomy.schemes import LIP

HEAD = ("hat", "hair", "sunglasses", "face")
UPPER = ("upper-clothes", "dress", "coat", "jumpsuits", "scarf", "glove", "left-arm", "right-arm")
LOWER = ("pants", "skirt", "socks", "left-leg", "right-leg", "left-shoe", "right-shoe")

HEAD_POINTS = ("nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top", "upper_neck")
TRUNK_POINTS = ("upper_neck", "thorax", "left_shoulder", "right_shoulder")
PANTS_POINTS = ("pelvis", "left_hip", "right_hip", "left_knee", "right_knee")


def _arm_points(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{joint}" for joint in ("shoulder", "elbow", "wrist"))


def _leg_points(side: str) -> tuple[str, ...]:
    return tuple(f"{side}_{joint}" for joint in ("hip", "knee", "ankle"))


ARM_POINTS = _arm_points("left") + _arm_points("right")
LEG_POINTS = _leg_points("left") + _leg_points("right")
ANKLES = ("left_ankle", "right_ankle")
UPPER_POINTS = ("upper_neck", "thorax", *ARM_POINTS)
LOWER_POINTS = ("pelvis", *LEG_POINTS)


def _label_class(
    name: str, size: float, keypoints: tuple[str, ...], reference: str | None, reference_size: float | None = None,
    *, split: bool = False, mirror: str | None = None,
) -> PartClass:  # fmt: skip
    """A class that is one label; the reference's size is ours unless given."""
    if reference is not None and reference_size is None:
        reference_size = size
    return PartClass(
        name, (name,), size, split=split, keypoints=keypoints, mirror=mirror,
        reference=reference, reference_size=reference_size,
    )  # fmt: skip


def _leg_with_shoe(side: str, other: str) -> PartClass:
    return PartClass(
        f"{side}-leg-with-shoe", (f"{side}-leg", f"{side}-shoe"), 0.4, bridge=("socks",),
        requires=((f"{side}-leg",), (f"{side}-shoe",)), keypoints=_leg_points(side), mirror=f"{other}-leg-with-shoe",
        reference=f"{side.capitalize()}-leg-with-shoe", reference_size=0.4,
    )  # fmt: skip


ASDA26 = Taxonomy(
    "asda26",
    LIP,
    (
        _label_class("hat", 0.2, ("head_top",), "Hat"),
        _label_class("hair", 0.2, HEAD_POINTS, "Hair"),
        _label_class("glove", 0.1, ("left_wrist", "right_wrist"), None, split=True),
        _label_class("sunglasses", 0.1, ("left_eye", "right_eye"), "Sunglasses"),
        _label_class("upper-clothes", 0.3, TRUNK_POINTS, "UpperClothes"),
        _label_class("dress", 0.3, (*TRUNK_POINTS, "pelvis", "left_hip", "right_hip"), "Dress"),
        _label_class("coat", 0.3, TRUNK_POINTS, "Coat"),
        _label_class("socks", 0.1, ANKLES, "Socks", split=True),
        _label_class("pants", 0.4, PANTS_POINTS, "Pants"),
        _label_class("jumpsuits", 0.7, (*TRUNK_POINTS, *PANTS_POINTS), "Jumpsuits"),
        _label_class("scarf", 0.2, ("upper_neck", "thorax"), "Scarf", 0.1),
        _label_class("skirt", 0.3, ("pelvis", "left_hip", "right_hip"), "Skirt", 0.1),
        _label_class("face", 0.2, HEAD_POINTS, "face"),
        _label_class("left-arm", 0.3, _arm_points("left"), "Left-arm", mirror="right-arm"),
        _label_class("right-arm", 0.3, _arm_points("right"), "Right-arm", mirror="left-arm"),
        _label_class("left-leg", 0.3, _leg_points("left"), "Left-leg", mirror="right-leg"),
        _label_class("right-leg", 0.3, _leg_points("right"), "Right-leg", mirror="left-leg"),
        _label_class("left-shoe", 0.1, ("left_ankle",), "Left-shoe", mirror="right-shoe"),
        _label_class("right-shoe", 0.1, ("right_ankle",), "Right-shoe", mirror="left-shoe"),
        PartClass("head", HEAD, 0.2, keypoints=HEAD_POINTS, reference="Head", reference_size=0.2),
        PartClass("upper-body", UPPER, 0.4, keypoints=UPPER_POINTS, reference="Upper-body", reference_size=0.4),
        PartClass(
            "upper-body-with-head", UPPER + HEAD, 0.5, requires=(HEAD, UPPER),
            keypoints=tuple(dict.fromkeys(HEAD_POINTS + UPPER_POINTS)),
            reference="Upper-body-with-head", reference_size=0.5,
        ),
        PartClass(
            "lower-body", LOWER, 0.5, requires=(("pants", "skirt", "left-leg", "right-leg"),),
            keypoints=LOWER_POINTS, reference="Lower_body", reference_size=0.5,
        ),
        _leg_with_shoe("left", "right"),
        _leg_with_shoe("right", "left"),
        PartClass(
            "whole-body", LIP.labels[1:], 0.9, requires=(HEAD, UPPER, LOWER),
            keypoints=tuple(dict.fromkeys(HEAD_POINTS + UPPER_POINTS + LOWER_POINTS)),
            reference="All", reference_size=0.9,
        ),
    ),
)  # fmt: skip
"""The 19 LIP labels and 7 composed parts (ASDA §3.1: N̂ = 26)."""

EXTENDED = Taxonomy(
    "extended",
    LIP,
    (
        *ASDA26.classes,
        PartClass("arms", ("left-arm", "right-arm"), 0.4, keypoints=ARM_POINTS),
        PartClass("legs", ("left-leg", "right-leg"), 0.4, keypoints=LEG_POINTS),
        PartClass(
            "legs-with-shoes", ("left-leg", "right-leg", "left-shoe", "right-shoe"), 0.5, bridge=("socks",),
            requires=(("left-leg", "right-leg"), ("left-shoe", "right-shoe")), keypoints=LEG_POINTS,
        ),
        PartClass("footwear", ("left-shoe", "right-shoe", "socks"), 0.2, keypoints=ANKLES),
        PartClass(
            "outfit",
            (
                "hat", "glove", "sunglasses", "upper-clothes", "dress", "coat", "socks", "pants", "jumpsuits",
                "scarf", "skirt", "left-shoe", "right-shoe",
            ),
            0.8, keypoints=tuple(dict.fromkeys(TRUNK_POINTS + PANTS_POINTS + ANKLES)),
        ),
        PartClass(
            "body-without-head", UPPER + LOWER, 0.8, requires=(UPPER, LOWER),
            keypoints=tuple(dict.fromkeys(UPPER_POINTS + LOWER_POINTS)),
        ),
        PartClass(
            "left-arm-with-glove", ("left-arm",), 0.3, bridge=("glove",), keypoints=_arm_points("left"),
            mirror="right-arm-with-glove",
        ),
        PartClass(
            "right-arm-with-glove", ("right-arm",), 0.3, bridge=("glove",), keypoints=_arm_points("right"),
            mirror="left-arm-with-glove",
        ),
    ),
)  # fmt: skip
"""asda26 and coarser or mixed parts that people ask for."""
