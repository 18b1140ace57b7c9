"""LIP's keypoints: a row of file name and 16 × (x, y, v) per person, in MPII order.

v = 0 is visible, v = 1 is occluded, the other way round than in most data sets; ``nan`` is a joint that is not there.
Coordinates count pixels from 0, so a pixel's centre is at +0.5. Joints may lie outside the picture; they stay there.
"""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from partpool.errors import FileError, SourceError
from partpool.sources.files import SourceFile
from partpool.sources.pictures import stem_of
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

MAX_FILE = 2**28
"""Larger files are refused."""
FARTHEST = 1e6
"""Coordinates beyond this are no coordinates."""
FIELDS = 1 + 3 * len(MPII_KEYPOINTS)
Keypoints = NDArray[np.float32]


def read_pose(file: SourceFile) -> tuple[dict[str, Keypoints], int]:
    """Keypoints by image name without folder and ending, and the number of rows that could not be understood.

    Keypoints are float32 [16, 3], x y visible, NaN is unknown. A name that stands in several different rows is not
    understood.

    Raises:
        SourceError: If the file cannot be read.
    """
    try:
        text = file.read(MAX_FILE)[0].decode("utf-8-sig", "backslashreplace")
    except FileError as error:
        raise SourceError(f"{file} {error}") from None
    found: dict[str, Keypoints] = {}
    repeated: set[str] = set()
    wrong = 0
    for row in _csv_rows(text):
        keypoints = read_row(row)
        if keypoints is None:
            wrong += 1
            continue
        name = stem_of(os.path.basename(row[0].strip()))  # noqa: PTH119 - a name in a file is no path
        if name in found and not np.array_equal(found[name], keypoints, equal_nan=True):
            repeated.add(name)
        found[name] = keypoints
    for name in repeated:
        del found[name]
    return found, wrong + len(repeated)


def _csv_rows(text: str) -> Iterator[list[str]]:
    """Rows that are not empty; a row that is no CSV is a row of one field."""
    for line in text.splitlines():
        try:
            yield from (row for row in csv.reader(io.StringIO(line)) if row)
        except csv.Error:
            yield [line]


def read_row(row: Sequence[str]) -> Keypoints | None:
    """Keypoints of a row, float32 [16, 3], x y visible, NaN is unknown; None if it is not understood."""
    if len(row) != FIELDS:
        return None
    try:
        points = np.array([float(field) if field.strip() else math.nan for field in row[1:]], np.float64).reshape(-1, 3)
    except ValueError:
        return None
    known = ~np.isnan(points).any(axis=1)
    x, y, occluded = points[known].T
    if not (np.isin(occluded, (0, 1)).all() and (np.abs(x) < FARTHEST).all() and (np.abs(y) < FARTHEST).all()):
        return None
    keypoints = np.full(points.shape, np.nan, np.float32)
    keypoints[known] = np.stack([x + 0.5, y + 0.5, 1 - occluded], axis=1)
    return keypoints
