"""Outputs that may be written, and those that are safe."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from partpool import PartPool, build, find_lip
from partpool.building.output_file import checked_output, os_reason
from partpool.errors import OutputError


def test_existing_output_is_safe(people: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.h5"
    out.write_text("precious")
    with pytest.raises(OutputError, match="exists; pass --overwrite"):
        build(find_lip(people), out)
    assert out.read_text() == "precious"
    build(find_lip(people).limit(1), out, overwrite=True)
    assert len(PartPool(out)) > 0


@pytest.mark.parametrize(
    ("name", "overwrite", "said"),
    [
        ("folder", True, "is a folder; --out takes the name of a file"),
        ("pipe", True, "is not a regular file, and will not be replaced"),
        ("file", False, "exists; pass --overwrite to replace it"),
        ("dangling", False, "exists; pass --overwrite to replace it"),
        ("none/pool.h5", False, "there is no folder"),
        ("file/pool.h5", False, "there is no folder|cannot be written"),
        ("x" * 300, False, "cannot be written: File name too long"),
    ],
)
def test_what_cannot_be_written_is_said_before_anything_is_done(
    tmp_path: Path, name: str, overwrite: bool, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(OutputError, match=said):
        checked_output(tmp_path / name, overwrite)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(("name", "overwrite"), [("new.h5", False), ("file", True), ("dangling", True)])
def test_what_may_be_written(tmp_path: Path, name: str, overwrite: bool) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    assert checked_output(tmp_path / name, overwrite) == tmp_path / name


def test_the_system_s_reason_comes_without_the_path() -> None:
    with pytest.raises(OSError, match="nowhere") as caught:
        Path("/nowhere/at/all").read_bytes()
    assert os_reason(caught.value) == "No such file or directory"
    assert os_reason(RuntimeError("odd")) == "odd"
