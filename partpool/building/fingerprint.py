"""What decides the bytes of a pool: settings, versions, and the items with the size and time of their files.

A spool keeps its fingerprint, so that work done for one build never ends up in another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from partpool._version import __version__
from partpool.cutting.cutter import Recipe
from partpool.errors import FileError
from partpool.sources import Item, SourceFile

PACKAGES = ("numpy", "opencv-python-headless", "opencv-python", "pillow", "zstandard")
"""Packages whose version may change pixels or their encoding."""
SHOWN = 3
"""Differences that a message lists; the rest is counted."""
FileStats = tuple[tuple[int, float] | None, ...]
"""Size in bytes and modification time in seconds of each file of an item; None is missing."""
Entry = tuple[str, str, FileStats]
"""Name of an item, what else is known of it without its files, and these."""


@dataclass(frozen=True)
class Fingerprint:
    """What a build depends on.

    Attributes:
        settings: Recipe and versions, as a flat table.
        items: Every item, in order.
    """

    settings: dict[str, str]
    items: tuple[Entry, ...]

    @property
    def stats(self) -> tuple[FileStats, ...]:
        """Sizes and times of the files of every item."""
        return tuple(stats for _, _, stats in self.items)

    def to_json(self) -> str:
        """One line of settings, then one per item."""
        return "\n".join(json.dumps(entry) for entry in (self.settings, *self.items)) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Fingerprint:
        """Read what :meth:`to_json` wrote.

        Raises:
            ValueError: If it is something else.
        """
        first, *rest = text.splitlines()
        entries = (json.loads(line) for line in rest)
        items = (
            (name, about, tuple(None if file is None else (file[0], file[1]) for file in files))
            for name, about, files in entries
        )
        return cls(dict(json.loads(first)), tuple(items))

    def differences(self, now: Fingerprint) -> str:
        """What has changed since, as a phrase; empty if nothing has."""
        found = [
            *_changed_settings(self.settings, now.settings),
            *_changed_items(_entries_by_name(self.items), _entries_by_name(now.items)),
        ]
        if not found and self.items != now.items:
            found = ["the order of the items"]
        return "; ".join(found[:SHOWN]) + (f"; and {len(found) - SHOWN:,} more" if len(found) > SHOWN else "")


def fingerprint(recipe: Recipe, items: Sequence[Item], unit: int) -> Fingerprint:
    """The fingerprint of a build.

    Args:
        recipe: How items are cut.
        items: The items.
        unit: Items per work unit.
    """
    taxonomy = recipe.taxonomy
    settings = _flat_table({
        **recipe.config(),
        "taxonomy": taxonomy.name,
        "classes": {part.name: part.to_dict() for part in taxonomy.classes},
        "scheme": taxonomy.scheme.to_dict(),
        "unit": unit,
        **{f"version of {name}": number for name, number in versions().items()},
    })  # fmt: skip
    return Fingerprint(settings, tuple((item.name, _known_besides_files(item), file_stats(item)) for item in items))


def file_stats(item: Item) -> FileStats:
    """Sizes and times of an item's files as they are now."""
    return tuple(
        _size_and_time(file) for file in (item.image, item.labels, item.persons, *(file for _, file in item.masks))
    )


@cache
def versions() -> dict[str, str]:
    """Installed versions of what decides the bytes."""
    found = {"partpool": __version__}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _known_besides_files(item: Item) -> str:
    keypoints = "" if item.keypoints is None else hashlib.blake2b(item.keypoints.tobytes(), digest_size=8).hexdigest()
    return f"{item.problem or ''} {item.person or ''} {keypoints}".strip()


def _size_and_time(file: SourceFile | None) -> tuple[int, float] | None:
    try:
        return file.stat() if file else None
    except FileError:
        return None


def _flat_table(table: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """A nested table as one of dotted keys and JSON values."""
    flat: dict[str, str] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            flat |= _flat_table(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value if isinstance(value, str) else json.dumps(value)
    return flat


def _changed_settings(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            yield f"{key} was {before.get(key, 'not set')}, is {now.get(key, 'not set')}"


def _entries_by_name(items: Sequence[Entry]) -> dict[str, tuple[str, FileStats]]:
    return {name: (about, stats) for name, about, stats in items}


def _changed_items(
    before: Mapping[str, tuple[str, FileStats]], now: Mapping[str, tuple[str, FileStats]]
) -> Iterator[str]:
    if len(before) != len(now):
        yield f"{len(before):,} items were found, now {len(now):,}"
    for name in now:
        if name not in before:
            yield f"{name} is new"
        elif before[name][1] != now[name][1]:
            yield f"{name} {_change_of_files(before[name][1], now[name][1])}"
        elif before[name] != now[name]:
            yield f"{name} has other keypoints, or another problem"
    for name in before:
        if name not in now:
            yield f"{name} is gone"


def _change_of_files(before: FileStats, now: FileStats) -> str:
    for old, new in zip(before, now, strict=False):
        if old is None and new is not None:
            return "has a file that was missing"
        if old is not None and new is None:
            return "has lost a file"
        if old is not None and new is not None and old != new:
            return f"has changed ({old[0]:,} bytes, now {new[0]:,})" if old[0] != new[0] else "was written again"
    return "has changed"
