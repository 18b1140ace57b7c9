"""Label schemes: what the pixel values of a label map mean.

A scheme is always named by the user or by the data set's layout, never guessed from the values: CIHP and LIP share
their range, and 10 is torso-skin in one and jumpsuits in the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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

    Raises:
        ConfigError: If labels repeat, are empty or too many for a pixel value, or the neck rule names others.
    """

    name: str
    labels: tuple[str, ...]
    neck: NeckRule | None = field(default=None)

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
        return {"name": self.name, "labels": list(self.labels), "neck": neck}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LabelScheme:
        """Build a scheme from plain data, as it stands in TOML or in a pool.

        Raises:
            ConfigError: If a key is missing, unknown or of the wrong type.
        """
        unknown = set(data) - {"name", "labels", "neck"}
        if unknown:
            raise ConfigError(f"a scheme has the keys name, labels and neck, but got {', '.join(sorted(unknown))}")
        name, labels, neck = data.get("name"), data.get("labels"), data.get("neck")
        if not isinstance(name, str):
            raise ConfigError(f"a scheme's name must be a string, but got {name!r}")
        rule = None
        if neck is not None:
            if not isinstance(neck, Mapping) or set(neck) != {"face", "torso"}:
                raise ConfigError(
                    f"the neck rule of scheme {name!r} must have the keys face and torso, but got {neck!r}"
                )
            rule = NeckRule(strings(neck["face"], "face"), strings(neck["torso"], "torso"))
        return cls(name, strings(labels, f"labels of scheme {name!r}"), rule)


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

SCHEMES: Mapping[str, LabelScheme] = {scheme.name: scheme for scheme in (LIP,)}
"""The built-in schemes by name."""
