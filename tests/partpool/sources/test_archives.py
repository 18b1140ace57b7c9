"""Zip archives are read as if they were folders, and never do what they want."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partpool.errors import FileError
from partpool.sources import SourceFile
from partpool.sources.archives import MAX_DEPTH
from partpool.sources.tree import Tree

LIMIT = 2**20


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def found(root: Path) -> dict[str, bytes]:
    return {path: file.read(LIMIT)[0] for path, file in Tree(root).files}


@settings(max_examples=60, deadline=None)
@given(
    members=st.dictionaries(st.text("abcé 日", min_size=1, max_size=6), st.binary(max_size=3000), max_size=6),
    method=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    depth=st.integers(1, MAX_DEPTH),
)
def test_members_are_read_at_every_depth(
    tmp_path_factory: pytest.TempPathFactory, members: dict[str, bytes], method: int, depth: int
) -> None:
    root = tmp_path_factory.mktemp("zips")
    data = zipped(members, method)
    for _ in range(depth - 1):
        data = zipped({"inner.zip": data}, method)
    (root / "outer.zip").write_bytes(data)
    prefix = "outer.zip/" + "inner.zip/" * (depth - 1)
    assert found(root) == {prefix + name: data for name, data in members.items()}
    assert found(root / "outer.zip") == {prefix[len("outer.zip/") :] + name: data for name, data in members.items()}


@pytest.mark.parametrize(
    "name", ["../a.jpg", "x/../../a.jpg", "/etc/a.jpg", "C:/a.jpg", "c:a.jpg", "~/a.jpg", "x\\..\\a.jpg", ".."]
)
def test_names_that_leave_the_archive_are_no_members(tmp_path: Path, name: str) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({name: b"evil", "b.jpg": b"b"}))
    tree = Tree(tmp_path)
    assert [path for path, _ in tree.files] == ["x.zip/b.jpg"]
    assert "1 names that lead out" in tree.notes[0]
    assert [path.name for path in tmp_path.iterdir()] == ["x.zip"]


def test_a_bomb_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(zipped({"a.png": bytes(LIMIT + 1)}))
    with pytest.raises(FileError, match="more than 1,048,576 are refused") as caught:
        SourceFile(path, ("a.png",)).read(LIMIT)
    assert caught.value.reason == "too-large"


def test_a_bomb_that_understates_its_size_is_not_unpacked(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.png": bytes(50 * LIMIT)}))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.index(signature) + place, 1000)
    (tmp_path / "bomb.zip").write_bytes(data)
    with pytest.raises(FileError) as caught:
        SourceFile(tmp_path / "bomb.zip", ("a.png",)).read(LIMIT)
    assert caught.value.reason == "unreadable"


def test_a_bomb_of_archives_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bomb.zip").write_bytes(zipped({"inner.zip": zipped({"a.jpg": bytes(2**20)}, zipfile.ZIP_STORED)}))
    tree = Tree(tmp_path)
    assert not tree.files
    assert "would unpack to" in tree.notes[0]


def test_encrypted_members_are_refused(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.png": b"secret"}))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(signature) + place] |= 1
    (tmp_path / "x.zip").write_bytes(data)
    ((_, file),) = Tree(tmp_path).files
    with pytest.raises(FileError, match="unpack it with its password") as caught:
        file.read(LIMIT)
    assert caught.value.reason == "encrypted"


def test_rare_methods_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(zipped({"a.png": b"x" * 99}, zipfile.ZIP_BZIP2))
    with pytest.raises(FileError, match="method 12"):
        SourceFile(tmp_path / "x.zip", ("a.png",)).read(LIMIT)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_found_twice(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("a.jpg", b"one")
        archive.writestr("a.jpg", b"two")
    assert [path for path, _ in Tree(tmp_path).files] == ["x.zip/a.jpg"] * 2


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_damaged_archives_end_in_a_note_or_a_file_error(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    whole = bytearray(zipped({"a.png": b"a" * 500, "x/b.png": bytes(range(256))}))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "x.zip"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole)
    tree = Tree(path)
    assert tree.files or tree.notes
    for _, file in tree.files:
        try:
            file.stat()
            assert len(file.read(LIMIT)[0]) <= LIMIT
        except FileError:
            pass


def test_a_name_that_is_empty(tmp_path: Path) -> None:
    data = zipped({"a": b"1"}).replace(b"a", b"\0")
    (tmp_path / "x.zip").write_bytes(data)
    tree = Tree(tmp_path)
    assert not tree.files
    assert "1 names that lead out" in tree.notes[0]
