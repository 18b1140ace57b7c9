"""Taxonomies: which part classes are cut out of label maps, and what is known of each class.

A taxonomy is an ordered list of part classes over a label scheme. Both are frozen, can be read from TOML
(:func:`partpool.taxonomy.toml_file.load_taxonomy`), and are written into every pool, so that a pool explains itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from partpool.errors import ConfigError
from partpool.taxonomy.schemes import LabelScheme, strings

MAX_CLASSES = 256


@dataclass(frozen=True)
class PartClass:
    """One class of body parts.

    Attributes:
        name: Name of the class, such as ``"left-leg-with-shoe"``.
        labels: Labels whose union is the part. More than one, bridges counted, make the class *composed*.
        size: Usual diagonal of the part's box relative to the diagonal of its person's box.
        split: Every connected component is a part of its own (gloves, socks).
        pieces: Its labels are pieces of one thing, such as both sides of a torso: any of them is the part. Otherwise a
            composed class is only taken if it is more than one of its labels.
        bridge: Labels that join a part only through components that touch it.
        requires: Groups of labels; the part must hold something of every group.
        keypoints: Names of the keypoints that the part covers on its own person.
        mirror: Class that this one becomes in a mirrored picture; None is itself.
        reference: Name of the class in the ASDA reference implementation, if it has it.
        reference_size: The size there.
    """

    name: str
    labels: tuple[str, ...]
    size: float
    split: bool = False
    pieces: bool = False
    bridge: tuple[str, ...] = ()
    requires: tuple[tuple[str, ...], ...] = ()
    keypoints: tuple[str, ...] = ()
    mirror: str | None = None
    reference: str | None = None
    reference_size: float | None = None

    def __post_init__(self) -> None:
        if not self.name or not self.labels:
            raise ConfigError(f"a part class needs a name and at least one label, but got {self.name!r}: {self.labels}")
        if len(set(self.labels)) != len(self.labels) or set(self.labels) & set(self.bridge):
            raise ConfigError(f"class {self.name!r} names a label twice: {', '.join(self.labels + self.bridge)}")
        if not 0 < self.size <= 2:
            raise ConfigError(f"size of class {self.name!r} must lie in (0, 2], but got {self.size}")
        if self.split and self.composed and not self.pieces:
            raise ConfigError(
                f"class {self.name!r} is composed of several labels and cannot be split, unless they are its pieces"
            )
        for group in self.requires:
            if not group or not set(group) <= set(self.labels):
                raise ConfigError(f"class {self.name!r} requires one of {group}, which are not among its labels")

    @property
    def composed(self) -> bool:
        """Whether the class joins several labels."""
        return len(self.labels) + len(self.bridge) > 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` reads; values left at their default are left out."""
        data = {
            item.name: getattr(self, item.name) for item in fields(self) if getattr(self, item.name) != item.default
        }
        return {key: _tuples_as_lists(value) for key, value in data.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PartClass:
        """Build a class from plain data, as it stands in TOML or in a pool.

        Raises:
            ConfigError: If a key is missing, unknown or of the wrong type.
        """
        name = data.get("name")
        if not isinstance(name, str):
            raise ConfigError(f"a part class needs a name (a string), but got {name!r}")
        unknown = set(data) - {item.name for item in fields(cls)}
        if unknown:
            raise ConfigError(f"class {name!r} has unknown keys: {', '.join(sorted(unknown))}")
        missing = {"labels", "size"} - set(data)
        if missing:
            raise ConfigError(f"class {name!r} lacks {' and '.join(sorted(missing))}")
        values = dict(data)
        for key in ("labels", "bridge", "keypoints"):
            if key in values:
                values[key] = strings(values[key], f"{key} of class {name!r}")
        if "requires" in values:
            groups = values["requires"]
            if not isinstance(groups, (list, tuple)):
                raise ConfigError(f"requires of class {name!r} must be a list of lists of labels, but got {groups!r}")
            values["requires"] = tuple(strings(group, f"requires of class {name!r}") for group in groups)
        for key, kind in (
            ("size", (int, float)),
            ("reference_size", (int, float)),
            ("split", bool),
            ("pieces", bool),
            ("mirror", str),
        ):
            if key in values and (
                not isinstance(values[key], kind) or (isinstance(values[key], bool) and kind is not bool)
            ):
                raise ConfigError(f"{key} of class {name!r} has the wrong type: {values[key]!r}")
        return cls(**values)


def _tuples_as_lists(value: object) -> object:
    return [_tuples_as_lists(entry) for entry in value] if isinstance(value, tuple) else value


@dataclass(frozen=True)
class Taxonomy:
    """An ordered list of part classes over a label scheme; the index is the class id.

    Raises:
        ConfigError: If names repeat, a label is not in the scheme, or mirror partners do not name each other.
    """

    name: str
    scheme: LabelScheme
    classes: tuple[PartClass, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.classes) <= MAX_CLASSES:
            raise ConfigError(
                f"taxonomy {self.name!r} must have 1 to {MAX_CLASSES} classes, but has {len(self.classes)}"
            )
        if len(set(self.names)) != len(self.names):
            repeated = sorted({name for name in self.names if self.names.count(name) > 1})
            raise ConfigError(f"taxonomy {self.name!r} names a class twice: {', '.join(repeated)}")
        for part in self.classes:
            self.scheme.check(*part.labels, *part.bridge, where=f"class {part.name!r}")
            if part.mirror is not None and self[part.mirror].mirror != part.name:
                raise ConfigError(f"class {part.name!r} mirrors {part.mirror!r}, which does not mirror it back")

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Class names in order."""
        return tuple(part.name for part in self.classes)

    def __getitem__(self, name: str) -> PartClass:
        return self.classes[self.id(name)]

    def __len__(self) -> int:
        return len(self.classes)

    def id(self, name: str) -> int:
        """Index of the class called ``name``.

        Raises:
            ConfigError: If there is none; the message lists the classes.
        """
        if name not in self.names:
            raise ConfigError(f"there is no class {name!r}; taxonomy {self.name!r} has: {', '.join(self.names)}")
        return self.names.index(name)

    def mirror(self, class_id: int) -> int:
        """Class id of the same part in a mirrored picture (an involution)."""
        partner = self.classes[class_id].mirror
        return class_id if partner is None else self.id(partner)

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the scheme, which a pool stores beside it."""
        return {"name": self.name, "classes": [part.to_dict() for part in self.classes]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], scheme: LabelScheme) -> Taxonomy:
        """Build a taxonomy from plain data.

        Raises:
            ConfigError: If the data is not a taxonomy over ``scheme``.
        """
        name, classes = data.get("name"), data.get("classes")
        if not isinstance(name, str) or not isinstance(classes, list):
            raise ConfigError("a taxonomy needs a name and a list of classes")
        if not all(isinstance(entry, Mapping) for entry in classes):
            raise ConfigError(f"every class of taxonomy {name!r} must be a table")
        return cls(name, scheme, tuple(PartClass.from_dict(entry) for entry in classes))
