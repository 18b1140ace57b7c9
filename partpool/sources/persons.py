"""Pictures of several persons: an item for each."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from partpool.errors import FileError, LabelMapError
from partpool.sources.decoding import read_index_map
from partpool.sources.files import SourceFile
from partpool.sources.items import Item
from partpool.taxonomy.schemes import IGNORE

MAX_FILE = 2**26
"""Larger maps of persons are refused."""
MAX_PERSONS = 255


def each_person(pictures: Sequence[tuple[Item, list[SourceFile]]]) -> tuple[list[Item], list[str]]:
    """An item for each person of each picture, and what a user should know.

    This is the one place where finding decodes: how many persons there are stands only in the maps.

    Args:
        pictures: Items of whole pictures, each with its map of persons; none if it is missing.
    """
    # Decoding lets other threads run.
    with ThreadPoolExecutor() as threads:
        found = list(threads.map(_item_of_each_person, pictures))
    empty = sum(1 for items in found if not items)
    return [item for items in found for item in items], [f"{empty} pictures show no person"] if empty else []


def _item_of_each_person(picture: tuple[Item, list[SourceFile]]) -> list[Item]:
    item, maps = picture
    if item.problem or item.image is None or item.labels is None:
        return [item]
    if len(maps) != 1:
        problem = f"{len(maps)} maps of its persons share its name" if maps else "the map of its persons is missing"
        return [replace(item, problem=problem, reason="persons-ambiguous" if maps else "persons-missing")]
    try:
        values = np.unique(read_index_map(maps[0].read(MAX_FILE)[0]))
    except FileError as error:
        return [replace(item, problem=f"the map of its persons {error}", reason=f"persons-{error.reason}")]
    except LabelMapError as error:
        problem = str(error).replace("label map", "map of its persons")
        return [replace(item, problem=problem, reason=error.reason.replace("label", "persons"))]
    numbers = [number for number in values.tolist() if number not in (0, IGNORE)]
    if len(numbers) > MAX_PERSONS or min(numbers, default=0) < 0:
        problem = f"the map of its persons holds {len(numbers)} values; expected at most {MAX_PERSONS} positive ones"
        return [replace(item, problem=problem, reason="persons-unreadable")]
    return [replace(item, name=f"{item.name}#{number}", persons=maps[0], person=number) for number in numbers]
