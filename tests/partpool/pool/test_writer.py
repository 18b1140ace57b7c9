"""Packing: what a pool says of itself, and that it is there whole or not at all."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from partpool import ASDA26, PartPool, build, find_lip
from partpool.errors import ConfigError, OutputError
from partpool.pool.sorted_parts import PoolRun
from partpool.pool.writer import Header, pack, source_date_epoch


def test_created_follows_source_date_epoch(people: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    build(find_lip(people).limit(2), tmp_path / "pool.h5")
    assert PartPool(tmp_path / "pool.h5").info()["created"] == "1970-01-02T00:00:00+00:00"


@pytest.mark.parametrize("text", ["yesterday", "-1", "1e9", str(2**37 + 1)])
def test_a_wrong_source_date_epoch(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    with pytest.raises(ConfigError, match="must be whole seconds since 1970"):
        source_date_epoch()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")
    assert source_date_epoch() is None


def header(pool: Path) -> Header:
    attributes = PartPool(pool).files[0].attributes
    return Header(ASDA26, attributes["config"], attributes["source"], attributes["errors"])


def test_packing_a_pool_gives_its_bytes(pool: Path, tmp_path: Path) -> None:
    file, seen = PartPool(pool).files[0], []
    packed = pack(
        [PoolRun(file)], tmp_path / "partial", tmp_path / "again.h5", header(pool), False,
        lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert (tmp_path / "again.h5").read_bytes() == pool.read_bytes()
    assert packed.parts == len(file)
    assert seen == sorted(seen)
    assert seen[-1] == (file.blob_bytes, file.blob_bytes)
    assert [path.name for path in tmp_path.iterdir()] == ["again.h5"]


def test_what_somebody_else_has_put_there_is_not_replaced(pool: Path, tmp_path: Path) -> None:
    runs, out = [PoolRun(PartPool(pool).files[0])], tmp_path / "out.h5"
    out.write_text("precious")
    with pytest.raises(FileExistsError):
        pack(runs, tmp_path / "partial", out, header(pool), overwrite=False)
    assert out.read_text() == "precious"
    pack(runs, tmp_path / "partial", out, header(pool), overwrite=True)
    assert out.read_bytes() == pool.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["out.h5"]


def test_a_file_system_without_links(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    pack([PoolRun(PartPool(pool).files[0])], tmp_path / "partial", tmp_path / "out.h5", header(pool), False)
    assert (tmp_path / "out.h5").read_bytes() == pool.read_bytes()


def test_nothing_is_left_where_there_is_no_room(pool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("partpool.pool.disk_space.free_bytes", lambda _: 1000)
    with pytest.raises(OutputError, match="No space left on device"):
        pack([PoolRun(PartPool(pool).files[0])], tmp_path / "partial", tmp_path / "out.h5", header(pool), False)
    assert not list(tmp_path.iterdir())
