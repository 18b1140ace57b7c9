"""How much room a build will take, asked before hours are spent on filling a disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from partpool.cutting.cutter import Cutter, Recipe
from partpool.errors import ItemError
from partpool.pool.disk_space import check_room, free_bytes, megabytes
from partpool.pool.format import ROW_BYTES
from partpool.sources import Item

SAMPLE = 16
"""Items that are cut to estimate the rest."""
PLENTY = 2**22
"""Free bytes per item with which nothing is estimated: more than a picture of any usual size yields."""
CERTAIN = 0.6
"""Share of an estimate that must be free; less could only fit if the sample were far from the rest."""


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
    free = free_bytes(folder)
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
        check_room(folder, CERTAIN * need, f"the build needs about {megabytes(need)} for spool and pool, at least")
