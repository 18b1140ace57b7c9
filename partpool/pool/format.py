"""The layout of a pool file: which datasets there are, of which type and shape.

Writer, reader and verifier share this one table. All datasets are contiguous, unfiltered and in the file itself, so
that after opening, a column is a run of bytes at a known offset.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FORMAT = "partpool"
FORMAT_VERSION = 1
QUALITY = ("area", "largest", "raggedness", "border", "texture")
"""Names of the quality columns."""
KEYPOINTS = 16
"""Keypoints per source person, in MPII order."""


@dataclass(frozen=True)
class Column:
    """One dataset.

    Attributes:
        path: Where it stands in the file.
        dtype: Its little-endian type.
        per: What its first axis counts: ``"patch"``, ``"edge"`` (patches + 1), ``"source"``, ``"byte"``,
            ``"class"`` or ``"start"`` (classes + 1).
        shape: Its further axes.
        required: Whether every pool has it.
    """

    path: str
    dtype: np.dtype[np.generic]
    per: str
    shape: tuple[int, ...] = ()
    required: bool = True

    @property
    def name(self) -> str:
        """Last part of the path."""
        return self.path.rpartition("/")[2]


PATCH_COLUMNS = (
    Column("/patches/class_id", np.dtype("u1"), "patch"),
    Column("/patches/height", np.dtype("<u2"), "patch"),
    Column("/patches/width", np.dtype("<u2"), "patch"),
    Column("/patches/area", np.dtype("<u4"), "patch"),
    Column("/patches/codec", np.dtype("u1"), "patch"),
    Column("/patches/crc32", np.dtype("<u4"), "patch"),
    Column("/patches/box", np.dtype("<i4"), "patch", (4,)),
    Column("/patches/person_box", np.dtype("<i4"), "patch", (4,)),
    Column("/patches/source", np.dtype("<u4"), "patch"),
    Column("/patches/quality", np.dtype("<f4"), "patch", (len(QUALITY),)),
    Column("/patches/keypoints", np.dtype("<f4"), "patch", (KEYPOINTS, 3), required=False),
)
ROW_BYTES = 8 + sum(column.dtype.itemsize * math.prod(column.shape) for column in PATCH_COLUMNS if column.required)
"""Bytes of a patch's columns in a pool ..."""
KEYPOINT_BYTES = 4 * 3 * KEYPOINTS
"""... and of its keypoints."""
SOURCE_COLUMNS = (
    Column("/sources/width", np.dtype("<u4"), "source"),
    Column("/sources/height", np.dtype("<u4"), "source"),
    Column("/sources/digest", np.dtype("u1"), "source", (16,)),
)
OTHER_COLUMNS = (
    Column("/patches/data", np.dtype("u1"), "byte"),
    Column("/patches/offset", np.dtype("<u8"), "edge"),
    Column("/classes/start", np.dtype("<u8"), "start"),
)
COLUMNS = PATCH_COLUMNS + SOURCE_COLUMNS + OTHER_COLUMNS
NAMES = (("/sources/name", "source"), ("/classes/name", "class"))
"""Datasets of fixed-length UTF-8; how long is up to the pool."""
JSON_ATTRIBUTES = ("taxonomy", "scheme", "config", "source", "stats", "errors")
"""Root attributes that hold JSON."""
