"""What a work unit leaves on disk: encoded patches in one file, and a manifest that is renamed in when both are whole.

The unit is what workers hand to the packer, so that neither holds more than a unit in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.cutting import CutItem, EncodedPart
from partpool.layout import KEYPOINTS, PATCH_COLUMNS

UNKNOWN = np.full((KEYPOINTS, 3), np.nan, np.float32)
"""Keypoints of a part whose person's are unknown."""
Array = NDArray[Any]
Counts = Counter[tuple[int, str]]


@dataclass
class Rows:
    """Columns of some patches and of the items they come from; ``source`` counts within these items.

    Attributes:
        patches: A column of every patch, by name, and ``length``, the bytes of its encoding.
        sources: ``name`` (UTF-8), ``width``, ``height``, ``digest``, ``mtime`` of every item.
        counts: Number of segments by class id and outcome.
    """

    patches: dict[str, Array]
    sources: dict[str, Array]
    counts: Counts


def write_unit(folder: Path, number: int, items: Sequence[CutItem], codec: int) -> None:
    """Write the cut items of a unit, patches grouped by class."""
    rows = sorted(
        ((index, part) for index, item in enumerate(items) for part in item.parts), key=lambda row: row[1].class_id
    )
    with blob_path(folder, number).open("wb") as file:
        file.writelines(part.data for _, part in rows)
    counts: Counts = Counter()
    for item in items:
        counts.update(item.counts)
    arrays = {f"patches/{name}": column for name, column in _patch_columns(rows, codec).items()}
    arrays |= {f"sources/{name}": column for name, column in _source_columns(items).items()}
    listed = json.dumps([[class_id, outcome, count] for (class_id, outcome), count in sorted(counts.items())])
    partial = folder / f"{number:08d}.partial.npz"
    np.savez(partial, allow_pickle=False, counts=np.frombuffer(listed.encode(), np.uint8), **arrays)
    partial.rename(_manifest_path(folder, number))


def read_unit(folder: Path, number: int) -> Rows:
    """The manifest of a unit."""
    patches: dict[str, Array] = {}
    sources: dict[str, Array] = {}
    with np.load(_manifest_path(folder, number), allow_pickle=False) as arrays:
        counts = Counter({(row[0], row[1]): row[2] for row in json.loads(arrays["counts"].tobytes())})
        for key in arrays.files:
            group, _, name = key.partition("/")
            if group == "patches":
                patches[name] = arrays[key]
            elif group == "sources":
                sources[name] = arrays[key]
    return Rows(patches, sources, counts)


def blob_path(folder: Path, number: int) -> Path:
    """Where the encoded patches of a unit are."""
    return folder / f"{number:08d}.blob"


def _manifest_path(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}.npz"


def _patch_columns(rows: Sequence[tuple[int, EncodedPart]], codec: int) -> dict[str, Array]:
    parts = [part for _, part in rows]
    values: dict[str, list[Any]] = {
        "class_id": [part.class_id for part in parts],
        "height": [part.height for part in parts],
        "width": [part.width for part in parts],
        "area": [part.measured.area for part in parts],
        "codec": [codec] * len(parts),
        "crc32": [part.crc32 for part in parts],
        "box": [part.box for part in parts],
        "person_box": [part.person_box for part in parts],
        "source": [index for index, _ in rows],
        "quality": [
            (
                part.measured.area,
                part.measured.largest,
                part.measured.raggedness,
                part.measured.border,
                part.measured.texture,
            )
            for part in parts
        ],
        "keypoints": [UNKNOWN if part.keypoints is None else part.keypoints for part in parts],
    }
    columns = {
        column.name: np.array(values[column.name], column.dtype).reshape(len(parts), *column.shape)
        for column in PATCH_COLUMNS
    }
    return columns | {"length": np.array([len(part.data) for part in parts], np.uint64)}


def _source_columns(items: Sequence[CutItem]) -> dict[str, Array]:
    return {
        "name": np.array([item.name.encode("utf-8") for item in items], dtype="S"),
        "width": np.array([item.width for item in items], "<u4"),
        "height": np.array([item.height for item in items], "<u4"),
        "digest": np.frombuffer(b"".join(item.digest for item in items), "u1").reshape(len(items), 16),
        "mtime": np.array([item.mtime for item in items], "<f8"),
    }
