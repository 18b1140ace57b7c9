"""Columns that contradict each other, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from damaged_pools import problems


def set_row(name: str, row: int, value: Any) -> Callable[[h5py.File], None]:
    def change(file: h5py.File) -> None:
        file[name][row] = value

    return change


def swap_sources(file: h5py.File) -> None:
    file["sources/name"][...] = file["sources/name"][...][::-1]


def repeat_digest(file: h5py.File) -> None:
    file["sources/digest"][1] = file["sources/digest"][0]


def other_stats(file: h5py.File) -> None:
    stats = json.loads(file.attrs["stats"])
    stats["hair"]["kept"] += 1
    file.attrs["stats"] = json.dumps(stats)


def fewer_items(file: h5py.File) -> None:
    file.attrs["source"] = json.dumps({**json.loads(file.attrs["source"]), "n_items": 3})


def stricter_filters(file: h5py.File) -> None:
    config = json.loads(file.attrs["config"])
    config["filters"]["min_area"] = int(file["patches/area"][...].max())
    file.attrs["config"] = json.dumps(config)


COLUMNS: list[tuple[Callable[[h5py.File], None], str]] = [
    (set_row("patches/source", 4, 10**6), "part 4: its source is not among the 20"),
    (set_row("patches/source", -1, 0), "it is not sorted by source"),
    (set_row("patches/box", 3, (5, 5, 5, 5)), "part 3: its box does not lie in its person's box"),
    (set_row("patches/person_box", 3, (0, 0, 9999, 9999)), "part 3: its person's box does not lie in the picture"),
    (set_row("patches/area", 3, 10**8), "part 3: its area does not fit its box"),
    (set_row("patches/codec", 3, 0), "part 3: its codec is not jpeg"),
    (set_row("patches/width", 3, 1), "part 3: its width does not fit its box"),
    (set_row("patches/quality", 3, (np.nan,) * 5), "part 3: its quality is not a number"),
    (set_row("patches/quality", 3, (1e9, 1, 1, 0, 20)), "part 3: its quality names another area"),
    (swap_sources, "/sources are not sorted"),
    (repeat_digest, "/sources hold an item twice"),
    (set_row("sources/name", 0, b"\xff"), "is not UTF-8"),
    (set_row("sources/name", 0, b""), "a source has no name"),
    (other_stats, "of class 'hair', but there are"),
    (fewer_items, "are more than its 3 items"),
    (stricter_filters, "its own filters would have rejected it as small"),
]


@pytest.mark.parametrize(("damage", "said"), COLUMNS, ids=[said for _, said in COLUMNS])
def test_level_4_columns(pool: Path, damage: Callable[[h5py.File], None], said: str) -> None:
    with h5py.File(pool, "r+") as file:
        damage(file)
    assert problems(pool) == []
    assert any(said in problem for problem in problems(pool, strict=True))
