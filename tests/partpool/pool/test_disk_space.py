"""Whether there is room on a disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from partpool.errors import OutputError
from partpool.pool import disk_space
from partpool.pool.disk_space import check_room, free_bytes, megabytes


def test_free_bytes_are_those_of_the_system(tmp_path: Path) -> None:
    free = free_bytes(tmp_path)
    assert free is not None
    assert free == pytest.approx(shutil.disk_usage(tmp_path).free, rel=0.2, abs=2**30)
    assert free_bytes(tmp_path / "none") is None


def test_a_file_system_that_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some network file systems report no blocks; they are not full."""
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, 0, 0, 0, 0, 0, 0, 0, 255)))
    assert free_bytes(tmp_path) is None
    check_room(tmp_path, 1e18, "the pool needs")


@pytest.mark.parametrize(("size", "fits"), [(0, True), (5e6, True), (5e6 + 1, False), (1e12, False)])
def test_what_cannot_fit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: float, fits: bool) -> None:
    monkeypatch.setattr(disk_space, "free_bytes", lambda _: 5_000_000)
    if fits:
        check_room(tmp_path, size, "the pool needs")
        return
    with pytest.raises(OutputError) as refused:
        check_room(tmp_path, size, "the pool needs")
    assert f"No space left on device for {tmp_path}: the pool needs {megabytes(size)}, but 5.0 MB" in str(refused.value)


def test_bytes_as_people_read_them() -> None:
    assert [megabytes(size) for size in (0, 49_999, 1_250_000_000)] == ["0.0 MB", "0.0 MB", "1,250.0 MB"]
