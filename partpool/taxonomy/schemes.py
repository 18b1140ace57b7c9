"""Label schemes: what the pixel values of a label map mean.

A scheme is always named by the user or by the data set's layout, never guessed from the values: CIHP and LIP share
their range, and 10 is torso-skin in one and jumpsuits in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from partpool.errors import ConfigError

IGNORE = 255
"""Pixel value that parsers write for "ignore"; read as background."""


@dataclass(frozen=True)
class NeckRule:
    """Which labels the unlabelled neck lies between.

    Attributes:
        face: Labels of the face.
        torso: Labels of what covers the trunk just below the neck.
    """

    face: tuple[str, ...]
    torso: tuple[str, ...]


@dataclass(frozen=True)
class LabelScheme:
    """An ordered list of label names; the index is the pixel value and 0 is background.

    ``left`` and ``right`` in a label are the person's own sides.

    Attributes:
        name: Name of the scheme, such as ``"lip"``.
        labels: Label names, background first.
        neck: Where the unlabelled neck is, or None if the scheme labels it.
        sixteen_bit: Whether its parsers write maps of 16 bits per pixel, too.

    Raises:
        ConfigError: If labels repeat, are empty or too many for a pixel value, or the neck rule names others.
    """

    name: str
    labels: tuple[str, ...]
    neck: NeckRule | None = None
    sixteen_bit: bool = False

    def __post_init__(self) -> None:
        if not 2 <= len(self.labels) <= IGNORE:
            raise ConfigError(f"scheme {self.name!r} must have 2 to {IGNORE} labels, but has {len(self.labels)}")
        if len(set(self.labels)) != len(self.labels):
            repeated = sorted({label for label in self.labels if self.labels.count(label) > 1})
            raise ConfigError(f"scheme {self.name!r} names a label twice: {', '.join(repeated)}")
        if self.neck:
            self.check(*self.neck.face, *self.neck.torso, where=f"the neck rule of scheme {self.name!r}")

    def check(self, *labels: str, where: str) -> None:
        """Raise ConfigError unless every one of ``labels`` is a foreground label of this scheme."""
        unknown = [label for label in labels if label not in self.labels[1:]]
        if unknown:
            raise ConfigError(
                f"{where} names {', '.join(map(repr, unknown))}, "
                f"but scheme {self.name!r} has only: {', '.join(self.labels[1:])}"
            )

    def ids(self, labels: tuple[str, ...]) -> tuple[int, ...]:
        """Pixel values of ``labels``."""
        return tuple(self.labels.index(label) for label in labels)

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` reads."""
        neck = {"face": list(self.neck.face), "torso": list(self.neck.torso)} if self.neck else None
        data = {"name": self.name, "labels": list(self.labels), "neck": neck}
        return data | ({"sixteen_bit": True} if self.sixteen_bit else {})

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelScheme:
        """Build a scheme from plain data, as it stands in TOML or in a pool.

        Raises:
            ConfigError: If a key is missing, unknown or of the wrong type.
        """
        unknown = set(data) - {"name", "labels", "neck", "sixteen_bit"}
        if unknown:
            raise ConfigError(
                f"a scheme has the keys name, labels, neck and sixteen_bit, but got {', '.join(sorted(unknown))}"
            )
        name, labels, neck = data.get("name"), data.get("labels"), data.get("neck")
        sixteen_bit = data.get("sixteen_bit", False)
        if not isinstance(sixteen_bit, bool):
            raise ConfigError(f"sixteen_bit of scheme {name!r} must be true or false, but got {sixteen_bit!r}")
        if not isinstance(name, str):
            raise ConfigError(f"a scheme's name must be a string, but got {name!r}")
        rule = None
        if neck is not None:
            if not isinstance(neck, Mapping) or set(neck) != {"face", "torso"}:
                raise ConfigError(
                    f"the neck rule of scheme {name!r} must have the keys face and torso, but got {neck!r}"
                )
            rule = NeckRule(strings(neck["face"], "face"), strings(neck["torso"], "torso"))
        return cls(name, strings(labels, f"labels of scheme {name!r}"), rule, sixteen_bit)


def strings(value: object, what: str) -> tuple[str, ...]:
    """A tuple of strings out of a plain list.

    Raises:
        ConfigError: If ``value`` is anything else.
    """
    if not isinstance(value, (list, tuple)) or not all(isinstance(entry, str) for entry in value):
        raise ConfigError(f"{what} must be a list of strings, but got {value!r}")
    return tuple(value)


LIP = LabelScheme(
    "lip",
    (
        "background", "hat", "hair", "glove", "sunglasses", "upper-clothes", "dress", "coat", "socks", "pants",
        "jumpsuits", "scarf", "skirt", "face", "left-arm", "right-arm", "left-leg", "right-leg", "left-shoe",
        "right-shoe",
    ),
    NeckRule(face=("face",), torso=("upper-clothes", "dress", "coat", "jumpsuits", "scarf")),
)  # fmt: skip
"""Look Into Person (Gong et al., CVPR 2017), 20 labels."""

CIHP = LabelScheme("cihp", tuple("torso-skin" if label == "jumpsuits" else label for label in LIP.labels))
"""Crowd Instance-level Human Parsing (Gong et al., ECCV 2018): as LIP, but 10 is torso-skin, the neck included."""

ATR = LabelScheme(
    "atr",
    (
        "background", "hat", "hair", "sunglasses", "upper-clothes", "skirt", "pants", "dress", "belt", "left-shoe",
        "right-shoe", "face", "left-leg", "right-leg", "left-arm", "right-arm", "bag", "scarf",
    ),
    NeckRule(face=("face",), torso=("upper-clothes", "dress", "scarf")),
)  # fmt: skip
"""ATR (Liang et al., TPAMI 2015), 18 labels; also the SegFormer models trained on clothes."""

PASCAL_SCHP = LabelScheme(
    "pascal-person-part-schp",
    ("background", "head", "torso", "upper-arms", "lower-arms", "upper-legs", "lower-legs"),
)
"""Pascal-Person-Part in the order of Self-Correction-Human-Parsing."""

PASCAL_M2FP = LabelScheme(
    "pascal-person-part-m2fp",
    ("background", "lower-arms", "head", "upper-legs", "torso", "lower-legs", "upper-arms"),
)
"""Pascal-Person-Part in the order of M2FP."""

SAPIENS_28 = LabelScheme(
    "sapiens-28",
    (
        "background", "apparel", "face-neck", "hair", "left-foot", "left-hand", "left-lower-arm", "left-lower-leg",
        "left-shoe", "left-sock", "left-upper-arm", "left-upper-leg", "lower-clothing", "right-foot", "right-hand",
        "right-lower-arm", "right-lower-leg", "right-shoe", "right-sock", "right-upper-arm", "right-upper-leg", "torso",
        "upper-clothing", "lower-lip", "upper-lip", "lower-teeth", "upper-teeth", "tongue",
    ),
    sixteen_bit=True,
)  # fmt: skip
"""Sapiens (Khirodkar et al., ECCV 2024). Limbs are bare skin: a clothed arm is upper-clothing."""

SAPIENS2_29 = LabelScheme("sapiens2-29", (*SAPIENS_28.labels[:2], "eyeglass", *SAPIENS_28.labels[2:]), sixteen_bit=True)
"""Sapiens2 (2026): eyeglass is inserted as 2, so that every later value shifts by one."""

DENSEPOSE_14 = LabelScheme(
    "densepose-14",
    (
        "background", "torso", "right-hand", "left-hand", "foot-1", "foot-2", "right-upper-leg", "left-upper-leg",
        "right-lower-leg", "left-lower-leg", "left-upper-arm", "right-upper-arm", "left-lower-arm", "right-lower-arm",
        "head",
    ),
    sixteen_bit=True,
)  # fmt: skip
"""DensePose's coarse parts (Güler et al., CVPR 2018), through clothing. Sources disagree on the sides of the feet."""

DENSEPOSE_24 = LabelScheme(
    "densepose-24",
    (
        "background", "torso-1", "torso-2", "right-hand", "left-hand", "foot-1", "foot-2", "right-upper-leg-1",
        "left-upper-leg-1", "right-upper-leg-2", "left-upper-leg-2", "right-lower-leg-1", "left-lower-leg-1",
        "right-lower-leg-2", "left-lower-leg-2", "left-upper-arm-1", "right-upper-arm-1", "left-upper-arm-2",
        "right-upper-arm-2", "left-lower-arm-1", "right-lower-arm-1", "left-lower-arm-2", "right-lower-arm-2",
        "head-1", "head-2",
    ),
    sixteen_bit=True,
)  # fmt: skip
"""DensePose's surfaces: each part of the body has two."""

SCHEMES: Mapping[str, LabelScheme] = {
    scheme.name: scheme
    for scheme in (LIP, CIHP, ATR, PASCAL_SCHP, PASCAL_M2FP, SAPIENS_28, SAPIENS2_29, DENSEPOSE_14, DENSEPOSE_24)
}
"""The built-in schemes by name."""


def builtin_scheme(name: str) -> LabelScheme:
    """The built-in scheme called ``name``.

    Raises:
        ConfigError: If there is none.
    """
    if name not in SCHEMES:
        raise ConfigError(f"there is no scheme {name!r}; there are: {', '.join(SCHEMES)}, or a TOML file")
    return SCHEMES[name]
