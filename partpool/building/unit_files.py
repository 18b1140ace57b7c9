"""What a work unit leaves behind: encoded patches in one file, and a manifest that is renamed in when both are whole.

The unit is what is resumed, what workers hand to the packer, and what travels where workers share no folder with the
driver; nobody holds more than a few units in memory.
"""

from __future__ import annotations

import io
import json
import os
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from partpool.cutting.cutter import CutItem, EncodedPart
from partpool.pool.format import KEYPOINTS, PATCH_COLUMNS
from partpool.pool.outcomes import Counts

UNKNOWN = np.full((KEYPOINTS, 3), np.nan, np.float32)
"""Keypoints of a part whose person's are unknown."""
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that could not be used: its name, a reason code, and a sentence."""

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class UnitFiles:
    """A unit as bytes: its encoded patches in order, and its manifest."""

    number: int
    patches: tuple[bytes, ...]
    manifest: bytes


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


@dataclass
class Summary:
    """What a unit did: items, parts and bytes of encoded patches, failed items, segments by class id and outcome.

    ``seen`` is where each label lies on each person, float32 [n, 5]: number of the person, then a sighting.
    """

    items: int
    parts: int
    blob_bytes: int
    failed: list[FailedItem]
    counts: Counts
    seen: NDArray[np.float32]


def encode_unit(
    number: int, token: str, cut_items: Sequence[CutItem], failed: Sequence[FailedItem], codec: int
) -> tuple[UnitFiles, Summary]:
    """The files of a unit, patches grouped by class, and what they hold.

    Args:
        number: Number of the unit.
        token: Of the spool that it belongs to.
        cut_items: What became of the items that were cut.
        failed: The items that could not be.
        codec: Number of the codec.
    """
    rows = sorted(
        ((index, part) for index, item in enumerate(cut_items) for part in item.parts), key=lambda row: row[1].class_id
    )
    counts: Counts = Counter()
    for item in cut_items:
        counts.update(item.counts)
    about = {
        "token": token,
        "items": len(cut_items) + len(failed),
        "failed": [astuple(item) for item in failed],
        "counts": [[class_id, outcome, count] for (class_id, outcome), count in sorted(counts.items())],
    }
    arrays = {f"patches/{name}": column for name, column in _patch_columns(rows, codec).items()}
    arrays |= {f"sources/{name}": column for name, column in _source_columns(cut_items).items()}
    seen = [(number, *sighting) for number, item in enumerate(cut_items) for sighting in item.seen]
    arrays["seen"] = np.array(seen, np.float32).reshape(-1, 5)
    manifest = io.BytesIO()
    members: dict[str, Any] = {"about": np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays}
    np.savez(manifest, **members)
    blob_bytes = int(arrays["patches/length"].sum())
    summary = Summary(len(cut_items) + len(failed), len(rows), blob_bytes, list(failed), counts, arrays["seen"])
    return UnitFiles(number, tuple(part.data for _, part in rows), manifest.getvalue()), summary


def put_unit(folder: Path, unit: UnitFiles) -> None:
    """Write the files of a unit under names of this process's own, and rename them in, the manifest last.

    Two workers may write the same unit, if one was believed lost; both write the same bytes.
    """
    for path, contents in (
        (blob_path(folder, unit.number), unit.patches),
        (manifest_path(folder, unit.number), (unit.manifest,)),
    ):
        partial = path.with_name(f"{path.name}.{os.urandom(4).hex()}.partial")
        try:
            with partial.open("wb") as file:
                file.writelines(contents)
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def read_unit(folder: Path, number: int) -> Rows:
    """The columns of a unit."""
    patches: dict[str, Array] = {}
    sources: dict[str, Array] = {}
    with np.load(manifest_path(folder, number), allow_pickle=False) as arrays:
        counts = _counts_in(json.loads(arrays["about"].tobytes()))
        for key in arrays.files:
            group, _, name = key.partition("/")
            if group == "patches":
                patches[name] = arrays[key]
            elif group == "sources":
                sources[name] = arrays[key]
    return Rows(patches, sources, counts)


def check_unit(folder: Path, number: int, token: str) -> Summary | None:
    """What a finished unit holds; None if it is not whole, or was written for another spool.

    Every checksum is compared: a machine that lost power may have kept a name without all of its bytes.
    """
    try:
        blob = blob_path(folder, number).read_bytes()
        # numpy would leave a file open that is no archive.
        with manifest_path(folder, number).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            about = json.loads(arrays["about"].tobytes())
            ends = np.cumsum(arrays["patches/length"], dtype=np.int64)
            checksums = arrays["patches/crc32"].tolist()
            seen = arrays["seen"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    if about["token"] != token or (int(ends[-1]) if len(ends) else 0) != len(blob):
        return None
    view = memoryview(blob)
    for first, end, checksum in zip([0, *ends[:-1].tolist()], ends.tolist(), checksums, strict=False):
        if zlib.crc32(view[first:end]) != checksum:
            return None
    failed = [FailedItem(*entry) for entry in about["failed"]]
    return Summary(about["items"], len(ends), len(blob), failed, _counts_in(about), seen)


def remove_unit(folder: Path, number: int) -> None:
    """Forget a unit; its manifest goes first."""
    manifest_path(folder, number).unlink(missing_ok=True)
    blob_path(folder, number).unlink(missing_ok=True)


def blob_path(folder: Path, number: int) -> Path:
    """Where the encoded patches of a unit are."""
    return folder / f"{number:08d}.blob"


def manifest_path(folder: Path, number: int) -> Path:
    """Where the manifest of a unit is; once it is there, the unit is finished."""
    return folder / f"{number:08d}.npz"


def _counts_in(about: dict[str, Any]) -> Counts:
    return Counter({(class_id, outcome): count for class_id, outcome, count in about["counts"]})


def _patch_columns(rows: Sequence[tuple[int, EncodedPart]], codec: int) -> dict[str, Array]:
    parts = [part for _, part in rows]
    by_column: dict[str, list[Any]] = {
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
        column.name: np.array(by_column[column.name], column.dtype).reshape(len(parts), *column.shape)
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
