"""Whether there is room on a disk, asked before hours are spent on filling it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from partpool.cutting.cutter import Cutter, Recipe
from partpool.errors import ItemError, OutputError
from partpool.pool.format import ROW_BYTES
from partpool.sources import Item

SAMPLE = 16
"""Items that are cut to estimate the rest."""
PLENTY = 2**22
"""Free bytes per item with which nothing is estimated: more than a picture of any usual size yields."""
CERTAIN = 0.6
"""Share of an estimate that must be free; less could only fit if the sample were far from the rest."""


def check_room(folder: Path, size: float, what: str) -> None:
    """Refuse what cannot fit.

    Args:
        folder: Where it would be written.
        size: Bytes.
        what: Who needs them, such as "the pool needs".

    Raises:
        OutputError: If fewer are free.
    """
    free = _free(folder)
    if free is not None and free < size:
        raise OutputError(
            f"No space left on device for {folder.absolute()}: {what} {_megabytes(size)}, but {_megabytes(free)} are "
            "free; make room there, or pass another --out"
        )


def check_room_for_build(folder: Path, recipe: Recipe, items: Sequence[Item], done: int) -> None:
    """Refuse a build whose spool and pool cannot fit, by what a few items take that are spread over all.

    Args:
        folder: Where spool and pool would be written.
        recipe: How items are cut.
        items: The items.
        done: Number of those that are in the spool already.

    Raises:
        OutputError: If there is no room.
    """
    free = _free(folder)
    if free is None or free > PLENTY * len(items):
        return
    cutter = Cutter(recipe)
    sizes = []
    for item in items[:: max(1, len(items) // SAMPLE)]:
        try:
            sizes.append(sum(len(part.data) + ROW_BYTES for part in cutter(item).parts))
        except ItemError:
            continue
    if sizes:
        need = sum(sizes) / len(sizes) * (2 * len(items) - done)
        check_room(folder, CERTAIN * need, f"the build needs about {_megabytes(need)} for spool and pool, at least")


def _free(folder: Path) -> int | None:
    try:
        status = os.statvfs(folder)
    except OSError:
        return None
    # Some network file systems do not tell.
    return status.f_bavail * status.f_frsize if status.f_blocks else None


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"
