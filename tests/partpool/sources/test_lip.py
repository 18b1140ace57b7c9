"""LIP: every layout gives the same pool; which items, which splits, which notes."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import pytest

from lip_trees import both, names, touch
from partpool import LIP, PartPool, build, find_lip
from partpool.errors import ConfigError, SourceError
from partpool.sources import SourceFile

IMAGES, LABELS = "train_images", "train_segmentations"


def pack(folder: Path, archive: Path, prefix: str, method: int = zipfile.ZIP_STORED) -> None:
    """Put a folder's files into an archive and remove the folder."""
    with zipfile.ZipFile(archive, "a", method) as file:
        for path in sorted(folder.iterdir()):
            file.write(path, f"{prefix}/{path.name}")
    shutil.rmtree(folder)


def nested(root: Path, *, twice: bool) -> None:
    for folder, inside in (("TrainVal_images", (IMAGES, "train_id.txt")), ("TrainVal_parsing_annotations", (LABELS,))):
        inner = root / folder / folder if twice else root / folder
        inner.mkdir(parents=True)
        for name in inside:
            (root / name).rename(inner / name)


def zips(root: Path) -> None:
    pack(root / IMAGES, root / "TrainVal_images.zip", f"TrainVal_images/{IMAGES}")
    pack(root / LABELS, root / "TrainVal_parsing_annotations.zip", f"TrainVal_parsing_annotations/{LABELS}")
    with zipfile.ZipFile(root / "TrainVal_images.zip", "a") as file:
        file.write(root / "train_id.txt", "TrainVal_images/train_id.txt")
    (root / "train_id.txt").unlink()
    with zipfile.ZipFile(root / "Train_parsing_reversed_labels.zip", "w") as file:
        file.writestr(f"TrainVal_parsing_annotations/{LABELS}/000000.png", b"mirrored")


def zips_in_a_zip(root: Path, method: int) -> None:
    zips(root)
    archives = sorted(root.glob("*.zip"))
    with zipfile.ZipFile(root / "LIP.zip", "w", method) as file:
        for path in archives:
            file.write(path, f"LIP/{path.name}")
            path.unlink()


def one_zip(root: Path) -> None:
    for folder in (IMAGES, LABELS):
        pack(root / folder, root / "everything.zip", folder, zipfile.ZIP_DEFLATED)


def zips_of_bare_files(root: Path) -> None:
    for folder in (IMAGES, LABELS):
        with zipfile.ZipFile(root / f"{folder}.zip", "w") as file:
            for path in sorted((root / folder).iterdir()):
                file.write(path, path.name)
        shutil.rmtree(root / folder)


def mixture(root: Path) -> None:
    pack(root / LABELS, root / "labels.zip", f"deep/er/{LABELS}")
    (root / "a" / "b").mkdir(parents=True)
    (root / IMAGES).rename(root / "a" / "b" / IMAGES)
    (root / "lists").mkdir()
    (root / "train_id.txt").rename(root / "lists" / "train_id.txt")


def extracted_beside_its_zip(root: Path) -> None:
    with zipfile.ZipFile(root / "TrainVal_images.zip", "w") as file:
        for path in sorted((root / IMAGES).iterdir()):
            file.write(path, f"{IMAGES}/{path.name}")


def partly_extracted(root: Path) -> None:
    extracted_beside_its_zip(root)
    (root / IMAGES / "000003.jpg").unlink()


def linked(root: Path) -> None:
    elsewhere = root.parent / "elsewhere"
    elsewhere.mkdir()
    (root / IMAGES).rename(elsewhere / "pictures")
    (root / IMAGES).symlink_to(elsewhere / "pictures")


LAYOUTS: list[Callable[[Path], None]] = [
    lambda root: None, lambda root: nested(root, twice=False), lambda root: nested(root, twice=True), zips,
    lambda root: zips_in_a_zip(root, zipfile.ZIP_STORED), lambda root: zips_in_a_zip(root, zipfile.ZIP_DEFLATED),
    one_zip, zips_of_bare_files, mixture, extracted_beside_its_zip, partly_extracted, linked,
]  # fmt: skip

LAYOUT_NAMES = [
    "flat", "nested", "nested twice", "zips", "zips in a stored zip", "zips in a deflated zip", "one zip",
    "zips of bare files", "mixture", "beside", "partly extracted", "linked",
]  # fmt: skip

PAIR = ("train_images/a.jpg", "train_segmentations/a.png")


@pytest.mark.parametrize("arrange", LAYOUTS, ids=LAYOUT_NAMES)
def test_every_layout_gives_the_same_pool(
    people: Path, lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arrange: Callable[[Path], None]
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "0")
    expected = find_lip(people)
    arrange(lip)
    source = find_lip(lip)
    assert [item.name for item in source] == [item.name for item in expected]
    assert [item.image.read(2**24)[0] for item in source if item.image] == [
        item.image.read(2**24)[0] for item in expected if item.image
    ]
    pools = set()
    for name, items in (("expected.h5", expected), ("pool.h5", source)):
        report = build(items, tmp_path / name)
        assert not report.failed
        pools.add(hashlib.blake2b((tmp_path / name).read_bytes()).digest())
    assert len(pools) == 1


def test_an_archive_itself_is_a_root(lip: Path) -> None:
    zips_in_a_zip(lip, zipfile.ZIP_STORED)
    assert len(find_lip(lip / "LIP.zip")) == 6


def test_workers_read_archives(lip: Path, people: Path, tmp_path: Path) -> None:
    zips_in_a_zip(lip, zipfile.ZIP_DEFLATED)
    items = [item for _ in range(4) for item in find_lip(lip)]
    report = build(items, None, workers=2)
    assert not report.failed
    assert report.parts == 4 * build(find_lip(people), None).parts


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_is_there_twice_is_a_failed_item(lip: Path) -> None:
    zips(lip)
    with zipfile.ZipFile(lip / "TrainVal_images.zip", "a") as file:
        file.writestr(f"TrainVal_images/{IMAGES}/000002.jpg", b"another")
    (failed,) = build(find_lip(lip), None).failed
    assert failed.reason == "ambiguous"
    assert "2 images share the name: 000002.jpg, 000002.jpg" in failed.message


def test_copies_are_noted_and_the_most_complete_is_taken(lip: Path) -> None:
    partly_extracted(lip)
    source = find_lip(lip)
    assert f"{IMAGES} is there 2 times: took TrainVal_images.zip/{IMAGES}, left out {IMAGES}" in source.notes
    assert all(item.image and item.image.members for item in source)


def test_id_lists_that_differ_are_noted(lip: Path) -> None:
    (lip / "repo").mkdir()
    (lip / "repo" / "train_id.txt").write_text("000001\n")
    source = find_lip(lip)
    assert len(source) == 6
    assert "2 different train_id.txt were found: took train_id.txt" in source.notes


@pytest.mark.slow
def test_real_lip_in_archives(shared_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "LIP"
    shutil.copytree(shared_data / "lip", root, copy_function=shutil.copyfile)
    for path in (root, *root.rglob("*")):
        if path.is_dir():
            os.chmod(path, 0o755)  # noqa: PTH101
    zips(root)
    assert [item.name for item in find_lip(root, "all")] == [item.name for item in find_lip(shared_data / "lip", "all")]
    assert build(find_lip(root, "all"), None).counts == build(find_lip(shared_data / "lip", "all"), None).counts


def test_lip_without_id_list(tmp_path: Path) -> None:
    source = find_lip(touch(tmp_path, *both("b", "a")))
    assert names(source) == ["train_images/a.jpg", "train_images/b.jpg"]
    assert source[0].image == SourceFile(tmp_path / PAIR[0])
    assert source[0].labels == SourceFile(tmp_path / PAIR[1])
    assert source[0].problem is None
    assert (source.kind, source.split, source.scheme) == ("lip", "train", LIP)
    assert "non-commercial" in source.license_note
    assert source.notes == ("2 train items; the complete LIP has 30,462",)
    assert len(source) == 2
    assert names(source[:1]) == names(source.limit(1)) == ["train_images/a.jpg"]


@pytest.mark.parametrize(
    "text",
    ["b\na\n", "b\na", "\ufeffb\na\n", "b\r\na\r\n", "\n  b\n\n\ta  \n\n", "b.jpg\na.JPG\n", "b.png\na\n", "a\nb\na\n"],
    ids=["plain", "no newline", "BOM", "CRLF", "blank lines", "endings", "label endings", "repeated"],
)
def test_id_list_says_which(tmp_path: Path, text: str) -> None:
    touch(tmp_path, *both("a", "b", "c", "d"))
    (tmp_path / "train_id.txt").write_bytes(text.encode())
    source = find_lip(tmp_path)
    assert names(source) == ["train_images/a.jpg", "train_images/b.jpg"]
    assert "2 train files are not in train_id.txt and were left out" in source.notes


def test_listed_files_that_are_missing_are_failed_items(tmp_path: Path) -> None:
    touch(tmp_path, *PAIR, "train_images/no-labels.jpg", "train_segmentations/no-image.png")
    unlisted = ["train_images/a.jpg", "train_images/no-image", "train_images/no-labels.jpg"]
    assert names(find_lip(tmp_path)) == unlisted
    (tmp_path / "train_id.txt").write_text("a\nno-image\nno-labels\nneither\n")
    found = {item.name: (item.image is not None, item.labels is not None) for item in find_lip(tmp_path)}
    assert found == {
        "train_images/a.jpg": (True, True),
        "train_images/neither": (False, False),
        "train_images/no-image": (False, True),
        "train_images/no-labels.jpg": (True, False),
    }
    report = build(find_lip(tmp_path).items[1:], None)
    assert {item.name: item.reason for item in report.failed} == {
        "train_images/neither": "label-missing",
        "train_images/no-image": "image-missing",
        "train_images/no-labels.jpg": "label-missing",
    }


@pytest.mark.parametrize("spoil", [lambda path: path.write_bytes(b"\xff\xfe\x00a"), Path.mkdir])
def test_an_id_list_that_is_no_text(tmp_path: Path, spoil: object) -> None:
    touch(tmp_path, *PAIR)
    spoil(tmp_path / "train_id.txt")  # type: ignore[operator]
    with pytest.raises(SourceError, match=r"train_id\.txt"):
        find_lip(tmp_path)


@pytest.mark.parametrize(
    ("split", "expected"), [("train", ["train_images/t.jpg"]), ("val", ["val_images/v.jpg"]), ("all", None)]
)
def test_splits(tmp_path: Path, split: str, expected: list[str] | None) -> None:
    source = find_lip(touch(tmp_path, *both("v", split="val"), *both("t")), split)  # type: ignore[arg-type]
    assert names(source) == (expected or ["train_images/t.jpg", "val_images/v.jpg"])
    assert source.split == split


def test_all_splits_of_a_single_one_are_noted(tmp_path: Path) -> None:
    source = find_lip(touch(tmp_path, *PAIR), "all")
    assert names(source) == ["train_images/a.jpg"]
    assert any("no val split" in note for note in source.notes)


def test_there_is_no_such_split(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="train, val or all, but got 'test'"):
        find_lip(touch(tmp_path, *PAIR), "test")  # type: ignore[arg-type]


def test_order_is_that_of_the_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, *both("b", "a10", "a2", "B", "é", "z/y", "a b"))
    before = find_lip(tmp_path)
    walk = os.walk

    def backwards(*args: object, **kwargs: object) -> Iterator[tuple[str, list[str], list[str]]]:
        for folder, subfolders, files in walk(*args, **kwargs):  # type: ignore[call-overload]
            subfolders.sort(reverse=True)
            yield folder, subfolders, sorted(files, reverse=True)

    monkeypatch.setattr(os, "walk", backwards)
    assert find_lip(tmp_path) == before
    assert names(before) == sorted(names(before))


@pytest.mark.parametrize(
    "folder", ["train_reversed_labels", "train_segmentations_reversed", "labels_rev", "Category_rev_ids"]
)
def test_lip_with_only_mirrored_labels_is_refused_for_that(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "train_images/a.jpg", f"{folder}/a.png")
    with pytest.raises(SourceError, match=f"{folder}.*mirrored"):
        find_lip(tmp_path)


def test_lip_beside_its_mirrored_labels_is_taken(tmp_path: Path) -> None:
    (item,) = find_lip(touch(tmp_path, *PAIR, "train_reversed_labels/a.png", "train_segmentations_reversed/a.png"))
    assert item.labels == SourceFile(tmp_path / PAIR[1])


def test_names_and_digests_in_the_pool(lip: Path, tmp_path: Path) -> None:
    """A pair that is there twice is stored once, under the name that sorts first."""
    for folder, ending in (("train_images", "jpg"), ("train_segmentations", "png")):
        shutil.copy(lip / folder / f"000001.{ending}", lip / folder / f"copy of ж.{ending}")
        shutil.copy(lip / folder / f"000002.{ending}", lip / folder / f"000000a.{ending}")
    (lip / "train_id.txt").unlink()
    report = build(find_lip(lip), tmp_path / "pool.h5")
    kept = ["000000", "000000a", "000001", "000003", "000004", "000005"]
    with h5py.File(tmp_path / "pool.h5") as file:
        assert [name.decode("utf-8") for name in file["sources/name"]] == [f"train_images/{stem}.jpg" for stem in kept]
        digests = [bytes(row) for row in file["sources/digest"][:]]
    pairs = [(lip / f"train_images/{stem}.jpg", lip / f"train_segmentations/{stem}.png") for stem in kept]
    assert digests == [
        hashlib.blake2b(image.read_bytes() + labels.read_bytes(), digest_size=16).digest() for image, labels in pairs
    ]
    assert report.parts == len(PartPool(tmp_path / "pool.h5"))
    assert sum(outcomes.get("repeated", 0) for outcomes in report.counts.values()) > 0
    assert sum(outcomes.get("kept", 0) for outcomes in report.counts.values()) == report.parts
