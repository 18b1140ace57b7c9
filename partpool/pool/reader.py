"""Reading pools."""

from __future__ import annotations

import glob
import os
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError, PoolError, PoolNotFoundError
from partpool.pool.codec import CODECS, decode
from partpool.pool.file import PoolFile
from partpool.pool.format import KEYPOINTS, PATCH_COLUMNS
from partpool.pool.part import Part
from partpool.pool.stored_part import StoredPart
from partpool.taxonomy.part_classes import PartClass, Taxonomy

PathLike = str | os.PathLike[str]
BLOCK = 2**16
"""Rows of keypoints that are in memory at a time."""
COLUMN_NAMES = tuple(column.name for column in PATCH_COLUMNS if column.required)


class PartPool(Sequence[Part]):
    """The parts of one pool file, or of several as one.

    Opening checks the files; parts are read and decoded one by one. A pool can be pickled, forked and used from
    threads; an unpickled one opens its files when it is first used, and notices if they have changed.

    Args:
        path: A file, a glob pattern, or a sequence of files. Several files must share scheme and taxonomy; their parts
            follow each other file by file.
        preload: ``"none"`` reads each part from the file, ``"memory"`` holds all encoded parts in memory.

    Raises:
        PoolNotFoundError: If there is no such file.
        PoolError: If a file is not a pool, is damaged, or does not fit the others.
    """

    def __init__(self, path: PathLike | Sequence[PathLike], *, preload: Literal["none", "memory"] = "none") -> None:
        if preload not in ("none", "memory"):
            raise ConfigError(f"preload must be 'none' or 'memory', but got {preload!r}")
        self._preload = preload
        self._paths = _paths(path)
        self._identities: list[tuple[int, int, int] | None] = [None] * len(self._paths)
        self._opened: list[PoolFile] | None = None
        self._starts = [0]
        self._open()

    def _open(self) -> list[PoolFile]:
        files = [PoolFile(path, identity) for path, identity in zip(self._paths, self._identities, strict=True)]
        for file in files[1:]:
            if file.taxonomy != files[0].taxonomy:
                raise PoolError(f"{file.path} has another taxonomy than {files[0].path}; only equal ones can be joined")
        if self._preload == "memory":
            for file in files:
                file["data"]
        self._identities = [file.identity for file in files]
        self._starts = [0, *accumulate(len(file) for file in files)]
        self._opened = files
        return files

    @property
    def _files(self) -> list[PoolFile]:
        return self._opened if self._opened is not None else self._open()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}

    def __len__(self) -> int:
        return self._starts[-1]

    def __repr__(self) -> str:
        return f"PartPool({', '.join(map(str, self._paths))}: {len(self):,} parts of {len(self.classes)} classes)"

    @overload
    def __getitem__(self, index: int) -> Part: ...
    @overload
    def __getitem__(self, index: slice) -> list[Part]: ...
    def __getitem__(self, index: int | slice) -> Part | list[Part]:
        """Part ``index``, or a list of parts.

        Raises:
            IndexError: If there is no such part.
            PoolError: If its bytes are damaged, or its source is none of the pool's.
        """
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        file, row = self._locate(index)
        record = file.record(row)
        return Part(*_rgb_and_mask(file, row, record), *_attributes_besides_pixels(file, row, record))

    def later(self, index: int) -> StoredPart:
        """Part ``index``, of which the pixels are read and decoded when they are first asked for.

        Raises:
            IndexError: If there is no such part.
            PoolError: If its size is 0 or its source none of the pool's; when its pixels are asked for, if these are
                damaged.
        """
        file, row = self._locate(index)
        record = file.record(row)
        height, width = record[5:7]
        if not (height and width):
            raise PoolError(f"{file.path}: part {row} has {width}×{height} pixels")
        return StoredPart(
            partial(_rgb_and_mask, file, row, record), (width, height), *_attributes_besides_pixels(file, row, record)
        )

    def _locate(self, index: int) -> tuple[PoolFile, int]:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"part {index} of a pool of {size}")
        index %= size
        number = bisect_right(self._starts, index) - 1 if len(self._paths) > 1 else 0
        return self._files[number], index - self._starts[number]

    def where(self, index: int) -> str:
        """File and number of part ``index``, for messages."""
        file, row = self._locate(index)
        return f"{file.path}: part {row}"

    def encoded(self, index: int) -> bytes:
        """Encoded bytes of part ``index``, as stored."""
        file, row = self._locate(index)
        return file.patch_bytes(row)

    @property
    def files(self) -> tuple[PoolFile, ...]:
        """The opened files, in order."""
        return tuple(self._files)

    @property
    def taxonomy(self) -> Taxonomy:
        """The part classes and their scheme."""
        return self._files[0].taxonomy

    @property
    def classes(self) -> tuple[PartClass, ...]:
        """The part classes; the index is the class id."""
        return self.taxonomy.classes

    def count(self, name: str) -> int:
        """Number of parts of a class.

        Raises:
            ConfigError: If there is no such class.
        """
        class_id = self.taxonomy.id(name)
        return sum(int(file["start"][class_id + 1] - file["start"][class_id]) for file in self._files)

    def indices(self, name: str) -> NDArray[np.int64]:
        """Indices of the parts of a class, int64 [n].

        Raises:
            ConfigError: If there is no such class.
        """
        class_id = self.taxonomy.id(name)
        ranges = [
            np.arange(first + int(file["start"][class_id]), first + int(file["start"][class_id + 1]), dtype=np.int64)
            for file, first in zip(self._files, self._starts, strict=False)
        ]
        return np.concatenate(ranges)

    @property
    def columns(self) -> Mapping[str, NDArray[Any]]:
        """Columns of all parts by name, read when asked for: class_id, height, width, area, codec, crc32, box …."""
        return _Columns(self._files)

    def keypoint_coverage(self) -> NDArray[np.int64] | None:
        """Number of parts on which each keypoint is known, and of those whose patch it lies in, int64 [2, 16].

        None if no file has keypoints.
        """
        if not any(file.has_keypoints for file in self._files):
            return None
        coverage = np.zeros((2, KEYPOINTS), np.int64)
        for file in self._files:
            for first in range(0, len(file) if file.has_keypoints else 0, BLOCK):
                last = min(first + BLOCK, len(file))
                points = file.rows("keypoints", first, last)
                size = np.stack([file["width"][first:last], file["height"][first:last]], axis=1)[:, None]
                known = ~np.isnan(points).any(axis=2)
                coverage[0] += known.sum(axis=0)
                # Comparisons with NaN are false.
                coverage[1] += ((points[..., :2] >= 0) & (points[..., :2] < size)).all(axis=2).sum(axis=0)
        return coverage

    def info(self) -> dict[str, Any]:
        """What the pool says of itself, as plain data."""
        files = self._files
        first = files[0].attributes
        stats: dict[str, Counter[str]] = {}
        errors: Counter[str] = Counter()
        for file in files:
            errors.update(file.attributes["errors"])
            for name, counts in file.attributes["stats"].items():
                stats.setdefault(name, Counter()).update(counts)
        return {
            "files": [str(path) for path in self._paths],
            "bytes": sum(file.identity[0] for file in files),
            "format_version": first["format_version"],
            "created": max(str(file.attributes["created"]) for file in files),
            "builder": first["builder"],
            "scheme": self.taxonomy.scheme.name,
            "taxonomy": self.taxonomy.name,
            "config": first["config"],
            "sources": [file.attributes["source"] for file in files],
            "n_parts": len(self),
            "n_items": sum(file.sources for file in files),
            "classes": {part.name: self.count(part.name) for part in self.classes},
            "stats": {name: dict(counts) for name, counts in stats.items()},
            "errors": dict(errors),
        }


def _rgb_and_mask(file: PoolFile, row: int, record: tuple[Any, ...]) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """RGB and mask of a part.

    Raises:
        PoolError: If its bytes are damaged.
    """
    first, last, _, _, _, height, width, _, codec = record
    if codec >= len(CODECS):
        raise PoolError(f"{file.path}: part {row} has the unknown codec {codec}")
    try:
        return decode(codec, file.blob(first, last), height, width)
    except PoolError as error:
        raise PoolError(f"{file.path}: part {row}: {error}") from None


def _attributes_besides_pixels(file: PoolFile, row: int, record: tuple[Any, ...]) -> tuple[Any, ...]:
    """The attributes of a part besides its pixels.

    Raises:
        PoolError: If its source is none of the pool's.
    """
    _, _, box, person_box, source, _, _, class_id, _ = record
    try:
        name = file.source_name(source)
    except PoolError as error:
        raise PoolError(f"{file.path}: part {row}: {error}") from None
    keypoints = file.row("keypoints", row).copy() if file.has_keypoints else None
    return class_id, file.taxonomy.names[class_id], box, person_box, name, keypoints, file.taxonomy


class _Columns(Mapping[str, NDArray[Any]]):
    """Columns over all files; source rows count on from file to file."""

    def __init__(self, files: list[PoolFile]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in COLUMN_NAMES:
            raise KeyError(name)
        if len(self._files) == 1:
            return self._files[0][name]
        columns = [file[name] for file in self._files]
        if name == "source":
            firsts = accumulate((file.sources for file in self._files), initial=0)
            columns = [rows + np.uint32(first) for rows, first in zip(columns, firsts, strict=False)]
        return np.concatenate(columns)

    def __iter__(self) -> Iterator[str]:
        return iter(COLUMN_NAMES)

    def __len__(self) -> int:
        return len(COLUMN_NAMES)


def _paths(path: PathLike | Sequence[PathLike]) -> list[Path]:
    if isinstance(path, (str, os.PathLike)):
        text = os.fspath(path)
        if glob.has_magic(text) and not Path(text).exists():
            found = sorted(Path(match) for match in glob.glob(text))  # noqa: PTH207 - patterns may be absolute
            if not found:
                raise PoolNotFoundError(f"no pool file matches {text}")
            return found
        return [Path(text)]
    paths = [Path(entry) for entry in path]
    if not paths:
        raise ConfigError("a pool needs at least one file, but got an empty list")
    return paths
