"""Where a label usually lies on the body, and how much of a person it usually covers.

The limits are wide: they hold for close-ups of a head or of legs as for whole people, and are meant to tell schemes
apart, not good label maps from bad ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is usual of a label.

    Attributes:
        height: Its place from head (0) to foot (3); a label lies above another whose number is larger by 1.
        least: Share of the person's labelled pixels that it covers at least, one of ``scheme_alarm.EDGES``.
        most: The share that it covers at most, one of them.
    """

    height: float
    least: float = 0.0
    most: float = 1.0


HEAD, ARMS, TRUNK, WAIST, LEGS, FEET = 0.0, 1.25, 1.0, 1.5, 2.0, 3.0
EXPECTED: Mapping[str, Expectation] = {
    "hat": Expectation(HEAD, most=0.5),
    "hair": Expectation(HEAD),
    "sunglasses": Expectation(HEAD, most=0.12),
    "eyeglass": Expectation(HEAD, most=0.12),
    "face": Expectation(HEAD),
    "face-neck": Expectation(HEAD),
    "head": Expectation(HEAD),
    "lower-lip": Expectation(HEAD, most=0.08),
    "upper-lip": Expectation(HEAD, most=0.08),
    "lower-teeth": Expectation(HEAD, most=0.08),
    "upper-teeth": Expectation(HEAD, most=0.08),
    "tongue": Expectation(HEAD, most=0.08),
    "scarf": Expectation(TRUNK, most=0.5),
    "torso-skin": Expectation(TRUNK, most=0.2),
    "upper-clothes": Expectation(TRUNK, least=0.05),
    "upper-clothing": Expectation(TRUNK, least=0.05),
    "coat": Expectation(TRUNK),
    "torso": Expectation(TRUNK),
    "dress": Expectation(WAIST),
    "jumpsuits": Expectation(WAIST, least=0.2),
    "belt": Expectation(WAIST, most=0.12),
    "glove": Expectation(ARMS, most=0.12),
    "pants": Expectation(LEGS),
    "skirt": Expectation(LEGS),
    "lower-clothing": Expectation(LEGS),
    "upper-legs": Expectation(LEGS),
    "lower-legs": Expectation(LEGS),
    "socks": Expectation(FEET, most=0.3),
    "foot": Expectation(FEET, most=0.3),
    **{f"{side}-arm": Expectation(ARMS) for side in ("left", "right")},
    **{f"{side}-{half}-arm": Expectation(ARMS) for side in ("left", "right") for half in ("upper", "lower")},
    **{f"{side}-hand": Expectation(ARMS, most=0.2) for side in ("left", "right")},
    **{f"{side}-leg": Expectation(LEGS) for side in ("left", "right")},
    **{f"{side}-{half}-leg": Expectation(LEGS) for side in ("left", "right") for half in ("upper", "lower")},
    **{f"{side}-shoe": Expectation(FEET, most=0.3) for side in ("left", "right")},
    **{f"{side}-sock": Expectation(FEET, most=0.3) for side in ("left", "right")},
    **{f"{side}-foot": Expectation(FEET, most=0.3) for side in ("left", "right")},
}
"""By label name; what may lie anywhere is left out."""
USUAL: Mapping[str, str] = {"torso-skin": "face"}
"""Labels that many people show who show another: CIHP's includes the neck."""


def expectation(label: str) -> Expectation | None:
    """What is usual of a label; the surfaces of one part, ``-1`` and ``-2``, are alike."""
    return EXPECTED.get(label.removesuffix("-1").removesuffix("-2"))
