"""How every built-in scheme labels a synthetic person: by what is worn, or by the part of the body."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from partpool.taxonomy.schemes import LabelScheme

NECK = "neck"
"""Skin that LIP leaves unlabelled."""
NOTHING = "background"
BODY = (
    NOTHING, "head", "torso",
    *(f"{side}-{part}" for side in ("left", "right")
      for part in ("upper-arm", "lower-arm", "hand", "upper-leg", "lower-leg", "foot")),
)  # fmt: skip
CIHP_WORDS = {"jumpsuits": "dress", NECK: "torso-skin"}
ATR_WORDS = {"coat": "upper-clothes", "jumpsuits": "dress", NECK: NOTHING}
SAPIENS_WORDS = {
    "hat": "apparel", "glove": "apparel", "scarf": "apparel", "sunglasses": "apparel", "face": "face-neck",
    NECK: "face-neck", "upper-clothes": "upper-clothing", "dress": "upper-clothing", "coat": "upper-clothing",
    "jumpsuits": "upper-clothing", "pants": "lower-clothing", "skirt": "lower-clothing",
}  # fmt: skip


def label_table(scheme: LabelScheme, worn: Sequence[str], from_front: bool) -> NDArray[np.uint8]:
    """Pixel values by what is worn and by part of the body, uint8 [len(worn), len(BODY)].

    Args:
        scheme: One of the built-in schemes.
        worn: LIP labels, ``background`` or ``neck``.
        from_front: Whether the person faces the camera; surfaces differ.
    """
    return np.array(
        [[scheme.labels.index(_label_of(scheme, label, body, from_front)) for body in BODY] for label in worn], np.uint8
    )


def _label_of(scheme: LabelScheme, worn: str, body: str, from_front: bool) -> str:
    if worn == NOTHING:
        return NOTHING
    family = scheme.name.partition("-")[0]
    if family == "lip":
        return NOTHING if worn == NECK else worn
    if family == "cihp":
        return CIHP_WORDS.get(worn, worn)
    if family == "atr":
        return _atr_label(worn, body)
    if family in ("sapiens", "sapiens2"):
        return _sapiens_label(scheme, worn, body)
    return _body_label(scheme, body, from_front)


def _atr_label(worn: str, body: str) -> str:
    if worn in ("glove", "socks"):
        side = body.partition("-")[0]
        limb = "arm" if worn == "glove" else "leg"
        return f"{side}-{limb}" if side in ("left", "right") else NOTHING
    return ATR_WORDS.get(worn, worn)


def _sapiens_label(scheme: LabelScheme, worn: str, body: str) -> str:
    side = body.partition("-")[0]
    if worn == "sunglasses" and "eyeglass" in scheme.labels:
        return "eyeglass"
    if worn == "socks":
        return f"{side}-sock" if side in ("left", "right") else NOTHING
    if worn.endswith(("-arm", "-leg")):
        return body if body in scheme.labels else NOTHING
    return SAPIENS_WORDS.get(worn, worn)


def _body_label(scheme: LabelScheme, body: str, from_front: bool) -> str:
    """The label of a part of the body in a scheme that sees through clothing."""
    side, _, part = body.partition("-")
    if body == NOTHING:
        return NOTHING
    if "torso" in scheme.labels and body in scheme.labels:
        return body
    if part == "foot":
        return f"foot-{1 + (side == 'right')}" if "foot-1" in scheme.labels else "lower-legs"
    if part == "hand" and "lower-arms" in scheme.labels:
        return "lower-arms"
    if "lower-arms" in scheme.labels:
        return f"{part}s"
    return body if body in scheme.labels else f"{body}-{1 + from_front}"
