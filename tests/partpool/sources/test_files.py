"""One file, on disk or in an archive, in any process."""

from __future__ import annotations

import io
import pickle
import shutil
import zipfile
from multiprocessing import get_context
from pathlib import Path

import pytest

from partpool import build, find_lip
from partpool.errors import FileError
from partpool.sources import SourceFile
from partpool.sources.tree import Tree

LIMIT = 2**20


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def _size(file: SourceFile) -> int:
    return len(file.read(LIMIT)[0])


def test_a_file_that_links_to_itself_is_a_failed_item(tmp_path: Path, people: Path) -> None:
    shutil.copytree(people / "train_segmentations", tmp_path / "train_segmentations")
    (tmp_path / "train_images").mkdir()
    (tmp_path / "train_images" / "000000.jpg").symlink_to("000000.jpg")
    report = build(find_lip(tmp_path).items[:1], None)
    assert [item.reason for item in report.failed] == ["image-unreadable"]


def test_files_travel_to_other_processes(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"i.zip": zipped({"a.png": b"12345"})}))
    (tmp_path / "b.png").write_bytes(b"123")
    files = [file for _, file in Tree(tmp_path).files]
    assert pickle.loads(pickle.dumps(files)) == files
    with get_context("spawn").Pool(1) as pool:
        assert pool.map(_size, files) == [3, 5]


def test_an_archive_that_changes_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for data in (b"one", b"another"):
        path.write_bytes(zipped({"a.png": data}))
        file = SourceFile(path, ("a.png",))
        assert file.read(LIMIT) == (data, path.stat().st_mtime)
        assert file.stat() == (len(data), path.stat().st_mtime)
    path.unlink()
    for read in (file.stat, lambda: file.read(LIMIT)):
        with pytest.raises(FileError) as caught:
            read()
        assert caught.value.reason == "missing"
