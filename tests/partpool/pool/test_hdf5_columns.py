"""What HDF5 says of a file is not taken on trust."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from partpool import PartPool
from partpool.errors import PoolError


def _relink(file: h5py.File, path: str, link: Any) -> None:
    del file[path]
    file[path] = link


def _rewrite(file: h5py.File, path: str, **options: Any) -> None:
    data = file[path][...]
    del file[path]
    file.create_dataset(path, data=options.pop("data", data), **options)


DAMAGE: dict[str, tuple[Callable[[h5py.File], None], str]] = {
    "format": (lambda file: file.attrs.__setitem__("format", "other"), "not a partpool pool"),
    "version": (
        lambda file: file.attrs.__setitem__("format_version", 9),
        "has format version 9, this partpool reads 1",
    ),
    "no taxonomy": (lambda file: file.attrs.__delitem__("taxonomy"), "'taxonomy' is missing"),
    "no JSON": (lambda file: file.attrs.__setitem__("taxonomy", "{"), "'taxonomy' is not JSON"),
    "wrong JSON": (lambda file: file.attrs.__setitem__("scheme", "[]"), "'scheme' is not a table"),
    "odd scheme": (lambda file: file.attrs.__setitem__("scheme", "{}"), "the stored taxonomy is damaged"),
    "missing": (lambda file: file.__delitem__("patches/area"), "missing, or a link"),
    "soft link": (
        lambda file: _relink(file, "patches/data", h5py.SoftLink("/patches/offset")),
        "a link to somewhere else",
    ),
    "external link": (
        lambda file: _relink(file, "patches/data", h5py.ExternalLink("/etc/passwd", "/x")),
        "a link to somewhere else",
    ),
    "chunked": (lambda file: _rewrite(file, "patches/area", chunks=(2,)), "not stored contiguously"),
    "filtered": (lambda file: _rewrite(file, "patches/data", compression="gzip"), "not stored contiguously"),
    "wider": (lambda file: _rewrite(file, "patches/class_id", dtype="u2"), "expected uint8 of patchs"),
    "shorter": (lambda file: _rewrite(file, "patches/area", data=np.zeros(3, "<u4")), "has 3 rows, expected"),
    "offsets": (
        lambda file: file["patches/offset"].__setitem__(1, 2**40),
        "does not divide the",
    ),
    "classes": (lambda file: file["patches/class_id"].__setitem__(0, 200), "do not match the 26 classes"),
    "starts": (lambda file: file["classes/start"].__setitem__(3, 0), "do not match the 26 classes"),
    "group": (lambda file: _relink(file, "patches/area", np.zeros(0)) or _group(file), "not a dataset"),
}


def _group(file: h5py.File) -> None:
    del file["patches/area"]
    file.create_group("patches/area")


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_refused(pool: Path, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "pool.h5"
    shutil.copy(pool, path)
    damage, message = DAMAGE[kind]
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(PoolError, match=message) as caught:
        PartPool(path)
    assert str(path) in str(caught.value)


def test_an_external_dataset_is_refused(pool: Path, tmp_path: Path) -> None:
    """It could read any file of the machine."""
    path, secret = tmp_path / "pool.h5", tmp_path / "secret"
    shutil.copy(pool, path)
    secret.write_bytes(bytes(10**7))
    with h5py.File(path, "r+") as file:
        length = file["patches/data"].shape[0]
        del file["patches/data"]
        file["patches"].create_dataset("data", (length,), "u1", external=[(str(secret), 0, length)])
    with pytest.raises(PoolError, match="not stored contiguously"):
        PartPool(path)
