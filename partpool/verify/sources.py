"""Comparing a pool with its data set: every source is cut again, and must give the same parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from partpool.cutting.cutter import CutItem, Cutter, EncodedPart, Recipe
from partpool.errors import ConfigError, ItemError, PoolError
from partpool.filters.config import FilterConfig
from partpool.pool.codec import decode
from partpool.pool.file import PoolFile
from partpool.sources import Item

TOLERANCE = 16
"""Grey levels by which other versions of the libraries may decode or encode a photograph differently."""


def recut_problems(
    file: PoolFile, items: Sequence[Item], on_progress: Callable[[int, int], None] | None = None
) -> Iterator[str]:
    """Cut every source of a pool file again, and say what differs.

    Args:
        file: The pool file.
        items: The data set that it was cut from; items that the pool does not know are left out.
        on_progress: Called with the number of sources done and their total.

    Raises:
        ConfigError: If the pool was cut by rules that this version does not have.
    """
    cutter = Cutter(recipe_of(file))
    by_name = {item.name: item for item in items}
    order = np.argsort(file["source"], kind="stable")
    edges = np.searchsorted(file["source"][order], np.arange(file.sources + 1))
    for source in range(file.sources):
        name = file.source_name(source)
        rows = order[edges[source] : edges[source + 1]].tolist()
        if name not in by_name:
            yield f"{name}: it is not in the data set"
        else:
            yield from (f"{name}: {problem}" for problem in _item_problems(file, source, rows, cutter, by_name[name]))
        if on_progress:
            on_progress(source + 1, file.sources)


def recipe_of(file: PoolFile) -> Recipe:
    """The recipe that a pool file was cut by.

    Raises:
        ConfigError: If this version would cut differently.
    """
    config = file.attributes["config"]
    try:
        recipe = Recipe(file.taxonomy, FilterConfig.from_dict(config["filters"]), config["codec"], config["max_side"])
    except (KeyError, TypeError) as error:
        raise ConfigError(f"{file.path}: its configuration is not one of this version ({error})") from None
    other = [key for key, value in recipe.config().items() if config.get(key) != value]
    if other or set(config) != set(recipe.config()):
        raise ConfigError(
            f"{file.path} was cut by other rules than this version's ({', '.join(other) or 'unknown keys'}), "
            "and cannot be compared with its sources"
        )
    return recipe


def _item_problems(file: PoolFile, source: int, rows: list[int], cutter: Cutter, item: Item) -> Iterator[str]:
    try:
        cut_item = cutter(item)
    except ItemError as error:
        yield f"it can no longer be cut: {error}"
        return
    if cut_item.digest != file["sources/digest"][source].tobytes():
        yield "its files have changed since"
        return
    yield from _part_problems(file, rows, cut_item)


def _part_problems(file: PoolFile, rows: list[int], cut_item: CutItem) -> Iterator[str]:
    if len(rows) != len(cut_item.parts):
        yield f"it gives {len(cut_item.parts)} parts, but the pool has {len(rows)} of it"
        return
    for row, part in zip(rows, cut_item.parts, strict=True):
        stored = (file["class_id"][row], file["area"][row], *file["box"][row], *file["person_box"][row])
        if tuple(map(int, stored)) != (part.class_id, part.measured.area, *part.box, *part.person_box):
            yield f"part {row} has another class, area or box than what is cut from it"
        elif file["crc32"][row] != part.crc32 and not _looks_alike(file, row, part):
            yield f"part {row} has other pixels than what is cut from it"


def _looks_alike(file: PoolFile, row: int, part: EncodedPart) -> bool:
    height, width = int(file["height"][row]), int(file["width"][row])
    if (height, width) != (part.height, part.width):
        return False
    codec = int(file["codec"][row])
    try:
        rgb, mask = decode(codec, file.patch_bytes(row), height, width)
    except PoolError:
        return False
    new_rgb, new_mask = decode(codec, part.data, height, width)
    apart = np.abs(rgb.astype(int) - new_rgb).max()
    return np.array_equal(mask, new_mask) and bool(apart <= TOLERANCE)
