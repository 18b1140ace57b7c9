"""Everything below a folder or an archive, once, and nothing that systems leave behind."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from partpool import find_lip, find_pairs
from partpool.errors import SourceError
from partpool.sources.archives import MAX_DEPTH
from partpool.sources.tree import Tree

PAIR = ("train_images/a.jpg", "train_segmentations/a.png")

COMPLETE = "1 train items; the complete LIP has 30,462"


def touch(root: Path, *names: str) -> Path:
    """Empty files; finding does not look into them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(source: object) -> list[str]:
    return [item.name for item in source]  # type: ignore[attr-defined]


LIMIT = 2**20


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()


def found(root: Path) -> dict[str, bytes]:
    return {path: file.read(LIMIT)[0] for path, file in Tree(root).files}


@pytest.mark.parametrize(
    "junk",
    [
        "train_images/._a.jpg", "train_images/._x.jpg", "train_segmentations/._x.png", "train_images/.DS_Store",
        "train_images/__MACOSX/x.jpg", "__MACOSX/train_images/x.jpg", "train_images/.cache/x.jpg",
        "train_images/Thumbs.db", "train_images/x.txt",
    ],
)  # fmt: skip
def test_what_systems_leave_behind_is_skipped(tmp_path: Path, junk: str) -> None:
    source = find_lip(touch(tmp_path, *PAIR, junk))
    assert names(source) == ["train_images/a.jpg"]
    assert source.notes == (COMPLETE,)


def test_missing_folders_and_files_instead_of_folders(tmp_path: Path) -> None:
    touch(tmp_path, "file", "images/a.jpg")
    for path, said in ((tmp_path / "file", "is not a folder"), (tmp_path / "none", "there is no folder")):
        with pytest.raises(SourceError, match=said):
            find_lip(path)
        with pytest.raises(SourceError, match=said):
            find_pairs(path, tmp_path / "images", "lip")
        with pytest.raises(SourceError, match=said):
            find_pairs(tmp_path / "images", path, "lip")


def test_links(tmp_path: Path) -> None:
    real = touch(tmp_path / "real", *PAIR)
    (tmp_path / "link").symlink_to(real)
    assert names(find_lip(tmp_path / "link")) == ["train_images/a.jpg"]
    (real / "train_images" / "loop").symlink_to(real / "train_images")
    (real / "train_segmentations" / "up").symlink_to("..")
    assert names(find_lip(tmp_path / "link")) == ["train_images/a.jpg"]
    (tmp_path / "self").symlink_to("self")
    with pytest.raises(SourceError):
        find_lip(tmp_path / "self")


def test_archives_are_opened_only_so_deep(tmp_path: Path) -> None:
    data = zipped({"a.jpg": b"a"})
    for _ in range(MAX_DEPTH):
        data = zipped({"inner.zip": data})
    (tmp_path / "outer.zip").write_bytes(data)
    tree = Tree(tmp_path)
    assert not tree.files
    assert f"only {MAX_DEPTH} deep" in tree.notes[0]


def test_what_systems_leave_in_archives_is_skipped(tmp_path: Path) -> None:
    names = ("__MACOSX/a.jpg", "x/__MACOSX/._a.jpg", "._a.jpg", ".DS_Store", "x/.cache/a.jpg")
    (tmp_path / "x.zip").write_bytes(zipped(dict.fromkeys((*names, "a.jpg"), b"")))
    assert list(found(tmp_path)) == ["x.zip/a.jpg"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "x.jpg").touch()
    (tmp_path / "a" / "b" / "up").symlink_to("..")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "y.jpg").touch()
    (tmp_path / "a" / "link").symlink_to(tmp_path / "elsewhere")
    assert [path for path, _ in Tree(tmp_path / "a").files] == ["link/y.jpg", "x.jpg"]
