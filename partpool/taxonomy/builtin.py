"""The taxonomy of every scheme: asda26's classes as far as the labels allow, and a scheme's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from partpool.errors import ConfigError
from partpool.taxonomy.asda26 import (
    ANKLES,
    ARM_POINTS,
    ASDA26,
    EXTENDED,
    HEAD,
    LEG_POINTS,
    LOWER,
    PANTS_POINTS,
    TRUNK_POINTS,
    UPPER,
)
from partpool.taxonomy.part_classes import PartClass, Taxonomy
from partpool.taxonomy.schemes import (
    ATR,
    CIHP,
    DENSEPOSE_14,
    DENSEPOSE_24,
    LIP,
    PASCAL_M2FP,
    PASCAL_SCHP,
    SAPIENS2_29,
    SAPIENS_28,
    LabelScheme,
)

Labels = tuple[str, ...]
SIDES = ("left", "right")
USUAL_SIZE = 0.3
"""Size of a class that nothing is known of."""
PIECES = ("face", "socks")
"""Classes of asda26 that are one thing, also where several labels show it; an arm is more than its hand."""
MOUTH = ("lower-lip", "upper-lip", "lower-teeth", "upper-teeth", "tongue")


def other_side(name: str) -> str | None:
    """``right-…`` for ``left-…`` and the other way round; None for a name without a side."""
    side, dash, rest = name.partition("-")
    return f"{SIDES[1 - SIDES.index(side)]}-{rest}" if dash and side in SIDES else None


def _taxonomy_of(
    scheme: LabelScheme,
    same: Mapping[str, Labels],
    own: Sequence[PartClass],
    *,
    head: Labels,
    upper: Labels,
    lower: Labels,
    besides: Labels = (),
) -> Taxonomy:
    """A scheme's taxonomy.

    Args:
        scheme: The scheme.
        same: Classes of asda26 that are a label, or pieces that several labels show, by name.
        own: Classes that asda26 lacks.
        head: Labels of head, hair and what is worn there.
        upper: Labels of the upper body.
        lower: Labels of the lower body.
        besides: Further labels of the whole body.
    """
    bare = tuple(label for label in lower if not label.endswith(("sock", "socks", "shoe")) and "foot" not in label)
    composed: dict[str, PartClass] = {
        "head": replace(ASDA26["head"], labels=head, pieces=head == ("head-1", "head-2")),
        "upper-body": replace(ASDA26["upper-body"], labels=upper),
        "upper-body-with-head": replace(ASDA26["upper-body-with-head"], labels=upper + head, requires=(head, upper)),
        "lower-body": replace(ASDA26["lower-body"], labels=lower, requires=(bare,)),
        "whole-body": replace(
            ASDA26["whole-body"], labels=head + upper + lower + besides, requires=(head, upper, lower)
        ),
    }
    for side in SIDES:
        leg, shoe, name = same.get(f"{side}-leg", ()), f"{side}-shoe", f"{side}-leg-with-shoe"
        if leg and shoe in scheme.labels:
            socks = tuple(label for label in ("socks", f"{side}-sock") if label in scheme.labels)
            composed[name] = replace(ASDA26[name], labels=(*leg, shoe), bridge=socks, requires=(leg, (shoe,)))
    classes = [
        replace(ASDA26[name], labels=labels, pieces=len(labels) > 1 and name in PIECES) for name, labels in same.items()
    ]
    in_order = [composed[name] for name in ASDA26.names if name in composed]
    return Taxonomy(f"asda26-{scheme.name}", scheme, (*classes, *own, *in_order))


def _classes_that_are_labels(scheme: LabelScheme) -> dict[str, Labels]:
    """The classes of asda26 that are one of the scheme's labels."""
    return {label: (label,) for label in ASDA26.scheme.labels[1:] if label in scheme.labels}


def _labels_present(scheme: LabelScheme, labels: Labels) -> Labels:
    return tuple(label for label in labels if label in scheme.labels)


def _class_of_each_side(name: str, labels: Labels, size: float, joints: Labels) -> Iterable[PartClass]:
    """The left and the right class of a part; labels and joints are written for no side."""
    for side in SIDES:
        yield PartClass(
            f"{side}-{name}", tuple(f"{side}-{label}" for label in labels), size, pieces=len(labels) > 1,
            keypoints=tuple(f"{side}_{joint}" for joint in joints), mirror=other_side(f"{side}-{name}"),
        )  # fmt: skip


def _half_limbs(surfaces: Labels = ("",)) -> list[PartClass]:
    """Upper and lower arms and legs; ``surfaces`` are the endings of the labels that show one of them."""
    classes: list[PartClass] = []
    for name, size, joints in (
        ("upper-arm", 0.2, ("shoulder", "elbow")), ("lower-arm", 0.2, ("elbow", "wrist")),
        ("upper-leg", 0.3, ("hip", "knee")), ("lower-leg", 0.3, ("knee", "ankle")),
    ):  # fmt: skip
        classes += _class_of_each_side(name, tuple(f"{name}{surface}" for surface in surfaces), size, joints)
    return classes


def _labels_of_whole_limbs(hand: Labels, foot: Labels, surfaces: Labels = ("",)) -> dict[str, Labels]:
    """Labels of each whole arm and leg."""
    limbs = {}
    for name, end in (("arm", hand), ("leg", foot)):
        for side in SIDES:
            sections = [f"{side}-{half}-{name}{surface}" for half in ("upper", "lower") for surface in surfaces]
            limbs[f"{side}-{name}"] = (*sections, *(f"{side}-{label}" for label in end))
    return limbs


def _cihp() -> Taxonomy:
    skin = PartClass("torso-skin", ("torso-skin",), 0.2, keypoints=("upper_neck", "thorax"))
    upper = (*_labels_present(CIHP, UPPER), "torso-skin")
    return _taxonomy_of(CIHP, _classes_that_are_labels(CIHP), [skin], head=HEAD, upper=upper, lower=LOWER)


def _atr() -> Taxonomy:
    own = [
        PartClass("belt", ("belt",), 0.2, keypoints=("pelvis", "left_hip", "right_hip")),
        PartClass("bag", ("bag",), 0.3),
    ]
    head, upper, lower = (_labels_present(ATR, labels) for labels in (HEAD, UPPER, LOWER))
    return _taxonomy_of(ATR, _classes_that_are_labels(ATR), own, head=head, upper=upper, lower=lower, besides=("belt",))


def _pascal(scheme: LabelScheme) -> Taxonomy:
    def limbs(name: str, labels: Labels, size: float, keypoints: Labels) -> PartClass:
        return PartClass(name, labels, size, split=True, pieces=len(labels) > 1, keypoints=keypoints)

    own = [
        PartClass("torso", ("torso",), 0.4, keypoints=(*TRUNK_POINTS, "pelvis", "left_hip", "right_hip")),
        limbs("upper-arms", ("upper-arms",), 0.2, tuple(p for p in ARM_POINTS if not p.endswith("wrist"))),
        limbs("lower-arms", ("lower-arms",), 0.2, tuple(p for p in ARM_POINTS if not p.endswith("shoulder"))),
        limbs("arms", ("upper-arms", "lower-arms"), 0.3, ARM_POINTS),
        limbs("upper-legs", ("upper-legs",), 0.3, tuple(p for p in LEG_POINTS if not p.endswith("ankle"))),
        limbs("lower-legs", ("lower-legs",), 0.3, tuple(p for p in LEG_POINTS if not p.endswith("hip"))),
        limbs("legs", ("upper-legs", "lower-legs"), 0.4, LEG_POINTS),
    ]
    upper, lower = ("torso", "upper-arms", "lower-arms"), ("upper-legs", "lower-legs")
    return _taxonomy_of(scheme, {}, own, head=("head",), upper=upper, lower=lower)


def _sapiens(scheme: LabelScheme) -> Taxonomy:
    limbs = _labels_of_whole_limbs(("hand",), ("foot",))
    glasses = ("eyeglass",) if "eyeglass" in scheme.labels else ()
    socks, shoes = ("left-sock", "right-sock"), ("left-shoe", "right-shoe")
    same: dict[str, Labels] = {
        "hair": ("hair",), **({"sunglasses": glasses} if glasses else {}), "upper-clothes": ("upper-clothing",),
        "socks": socks, "face": ("face-neck", *MOUTH), **limbs, "left-shoe": shoes[:1], "right-shoe": shoes[1:],
    }  # fmt: skip
    own = [
        PartClass("lower-clothing", ("lower-clothing",), 0.4, keypoints=PANTS_POINTS),
        PartClass("torso", ("torso",), 0.3, keypoints=TRUNK_POINTS),
        PartClass("apparel", ("apparel",), USUAL_SIZE),
        *_half_limbs(),
        *_class_of_each_side("hand", ("hand",), 0.1, ("wrist",)),
        *_class_of_each_side("foot", ("foot",), 0.1, ("ankle",)),
    ]
    upper = ("upper-clothing", "torso", *limbs["left-arm"], *limbs["right-arm"])
    lower = ("lower-clothing", *limbs["left-leg"], *limbs["right-leg"], *socks, *shoes)
    head = ("hair", "face-neck", *MOUTH, *glasses)
    return _taxonomy_of(scheme, same, own, head=head, upper=upper, lower=lower, besides=("apparel",))


def _densepose(scheme: LabelScheme, surfaces: Labels) -> Taxonomy:
    limbs = _labels_of_whole_limbs(("hand",), (), surfaces)
    torso, head = (tuple(f"{part}{surface}" for surface in surfaces) for part in ("torso", "head"))
    feet = ("foot-1", "foot-2")
    own = [
        PartClass(
            "torso", torso, 0.4, pieces=len(torso) > 1, keypoints=(*TRUNK_POINTS, "pelvis", "left_hip", "right_hip")
        ),
        *_half_limbs(surfaces),
        *_class_of_each_side("hand", ("hand",), 0.1, ("wrist",)),
        PartClass("feet", feet, 0.1, split=True, pieces=True, keypoints=ANKLES),
    ]
    upper = (*torso, *limbs["left-arm"], *limbs["right-arm"])
    lower = (*limbs["left-leg"], *limbs["right-leg"], *feet)
    return _taxonomy_of(scheme, limbs, own, head=head, upper=upper, lower=lower)


DEFAULTS: Mapping[str, Taxonomy] = {
    taxonomy.scheme.name: taxonomy
    for taxonomy in (
        ASDA26, _cihp(), _atr(), _pascal(PASCAL_SCHP), _pascal(PASCAL_M2FP), _sapiens(SAPIENS_28),
        _sapiens(SAPIENS2_29), _densepose(DENSEPOSE_14, ("",)), _densepose(DENSEPOSE_24, ("-1", "-2")),
    )
}  # fmt: skip
"""The taxonomy of each built-in scheme, by the scheme's name."""
TAXONOMIES: Mapping[str, Taxonomy] = {taxonomy.name: taxonomy for taxonomy in (ASDA26, EXTENDED, *DEFAULTS.values())}
"""The built-in taxonomies by name."""


def default_taxonomy(scheme: LabelScheme) -> Taxonomy:
    """The taxonomy of a scheme; for one that is not built in, a class for each of its labels."""
    if scheme.name in DEFAULTS and DEFAULTS[scheme.name].scheme == scheme:
        return DEFAULTS[scheme.name]
    return Taxonomy(scheme.name, scheme, tuple(_label_class(scheme, label) for label in scheme.labels[1:]))


def against_asda26(taxonomy: Taxonomy) -> tuple[list[str], list[str]]:
    """Names of the classes of asda26 that a taxonomy lacks, and of those that it has besides."""
    lacks = [name for name in ASDA26.names if name not in taxonomy.names]
    return lacks, [name for name in taxonomy.names if name not in ASDA26.names]


def _label_class(scheme: LabelScheme, label: str) -> PartClass:
    partner = other_side(label)
    mirror = partner if partner in scheme.labels[1:] else None
    if label in LIP.labels[1:]:
        return replace(ASDA26[label], mirror=mirror)
    return PartClass(label, (label,), USUAL_SIZE, mirror=mirror)


def builtin_taxonomy(name: str) -> Taxonomy:
    """The built-in taxonomy called ``name``, or the one of the built-in scheme of that name.

    Raises:
        ConfigError: If there is none.
    """
    if name in TAXONOMIES:
        return TAXONOMIES[name]
    if name in DEFAULTS:
        return DEFAULTS[name]
    raise ConfigError(f"there is no built-in taxonomy {name!r}; there are: {', '.join(TAXONOMIES)}, or a TOML file")
