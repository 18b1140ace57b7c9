"""Finding pairs: which items, in which order, with which problems and notes, and what is refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from partpool import LIP, LabelScheme, PartPool, build, find_lip, find_pairs
from partpool.errors import ConfigError, SourceError
from partpool.sources import SourceFile

PAIR = ("train_images/a.jpg", "train_segmentations/a.png")
COMPLETE = "1 train items; the complete LIP has 30,462"
CYRILLIC, COMPOSED = "жук 7", unicodedata.normalize("NFC", "Ångström é")
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


def touch(root: Path, *names: str) -> Path:
    """Empty files; finding does not look into them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def both(*stems: str, split: str = "train") -> list[str]:
    return [f"{split}_{kind}" for stem in stems for kind in (f"images/{stem}.jpg", f"segmentations/{stem}.png")]


def names(source: object) -> list[str]:
    return [item.name for item in source]  # type: ignore[attr-defined]


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


@pytest.mark.parametrize("ending", ["jpg", "JPG", "jpeg", "JPEG", "png", "PNG", "bmp", "webp", "tif"])
@pytest.mark.parametrize("label_ending", ["png", "PNG"])
def test_endings(tmp_path: Path, ending: str, label_ending: str) -> None:
    touch(tmp_path, f"train_images/a.{ending}", f"train_segmentations/a.{label_ending}")
    (item,) = find_lip(tmp_path)
    assert item.name == f"train_images/a.{ending}"
    assert item.labels is not None


@pytest.mark.parametrize("stem", ["two words", CYRILLIC, COMPOSED, DECOMPOSED, "1.2.3", "a.jpg", "日本", "-o", "a'\"b"])
@pytest.mark.parametrize("listed", [None, "NFC", "NFD"])
def test_names_are_nfc_whatever_the_files_are(tmp_path: Path, stem: str, listed: str | None) -> None:
    touch(tmp_path, *both(stem))
    if listed:
        text = unicodedata.normalize(listed, f"{stem}.jpg")
        (tmp_path / "train_id.txt").write_text(f"{text}\n", "utf-8")
    (item,) = find_lip(tmp_path)
    assert item.name == unicodedata.normalize("NFC", f"train_images/{stem}.jpg")
    assert item.image is not None
    assert item.labels is not None
    assert item.image.path.exists()
    assert item.labels.path.exists()


def test_an_image_and_its_labels_may_spell_their_name_differently(tmp_path: Path) -> None:
    touch(tmp_path, f"train_images/{COMPOSED}.jpg", f"train_segmentations/{DECOMPOSED}.png")
    (item,) = find_lip(tmp_path)
    assert item.problem is None
    assert item.labels is not None


@pytest.mark.parametrize("other", ["a.jpeg", "a.JPG", "a.png"])
def test_two_images_of_one_name_are_a_failed_item(tmp_path: Path, other: str) -> None:
    (item,) = find_lip(touch(tmp_path, *PAIR, f"train_images/{other}"))
    assert item.problem is not None
    assert "2 images share the name" in item.problem
    assert "a.jpg" in item.problem
    assert other in item.problem


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
    "folder", ["labels_rev", "Category_rev_ids", "train_reversed_labels", "val_reversed_labels", "CATEGORY_REV_IDS"]
)
def test_mirrored_labels_are_refused(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "images/a.jpg", f"{folder}/a.png")
    (tmp_path / "labels").symlink_to(tmp_path / folder)
    for labels in (tmp_path / folder, tmp_path / "labels"):
        with pytest.raises(SourceError, match=r"mirrored images.*left and right swapped"):
            find_pairs(tmp_path / "images", labels, "lip")


@pytest.mark.parametrize("folder", ["labels", "Category_ids", "train_segmentations", "reviewed", "labels_review"])
def test_other_folders_are_not_taken_for_mirrored(tmp_path: Path, folder: str) -> None:
    touch(tmp_path, "images/a.jpg", f"{folder}/a.png")
    assert names(find_pairs(tmp_path / "images", tmp_path / folder, "lip")) == ["a.jpg"]


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


def test_real_mirrored_labels_are_refused(shared_data: Path) -> None:
    cihp = shared_data / "cihp"
    with pytest.raises(SourceError, match="mirrored"):
        find_pairs(cihp / "Images", cihp / "Category_rev_ids", "lip")
    assert len(find_pairs(cihp / "Images", cihp / "Category_ids", "lip")) == 5


@pytest.mark.parametrize(
    ("files", "split", "said"),
    [
        ([], "train", ["is empty", "train_images with train_segmentations"]),
        (["x/a.jpg", "notes.txt"], "train", ["is not LIP", "train_images with train_segmentations", "notes.txt, x"]),
        ([f"{n}.jpg" for n in range(9)], "val", ["is not LIP", "val_images", "5.jpg, …"]),
        (["train_images/a.jpg"], "train", ["is not LIP", "found train_images"]),
        (both("a"), "val", ["holds no val split, only train", "--split train"]),
        (both("a", split="val"), "train", ["holds no train split, only val", "--split val"]),
        (["train_images/a.txt", "train_segmentations/b.txt"], "train", ["train_images holds no images"]),
    ],
    ids=["empty", "other", "pictures", "no labels", "only train", "only val", "no pictures"],
)
def test_what_is_not_lip_is_said(tmp_path: Path, files: list[str], split: str, said: list[str]) -> None:
    with pytest.raises(SourceError) as caught:
        find_lip(touch(tmp_path, *files), split)  # type: ignore[arg-type]
    for text in (str(tmp_path), *said):
        assert text in str(caught.value)
    assert isinstance(caught.value, FileNotFoundError)


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


def test_a_file_that_links_to_itself_is_a_failed_item(tmp_path: Path, people: Path) -> None:
    shutil.copytree(people / "train_segmentations", tmp_path / "train_segmentations")
    (tmp_path / "train_images").mkdir()
    (tmp_path / "train_images" / "000000.jpg").symlink_to("000000.jpg")
    report = build(find_lip(tmp_path).items[:1], None)
    assert [item.reason for item in report.failed] == ["image-unreadable"]


def test_pairs_are_found_below_both_folders(tmp_path: Path) -> None:
    touch(tmp_path / "i", "a.jpg", "x/b.JPEG", "x/y/c d.webp", "only.jpg", "._a.jpg")
    touch(tmp_path / "l", "a.png", "x/b.PNG", "x/y/c d.png", "b.png", "unused.png", "__MACOSX/a.png")
    source = find_pairs(tmp_path / "i", tmp_path / "l", "lip")
    assert names(source) == ["a.jpg", "only.jpg", "x/b.JPEG", "x/y/c d.webp"]
    assert [item.labels is not None for item in source] == [True, False, True, True]
    assert source.notes == ("2 label maps have no image",)
    assert (source.kind, source.split) == ("pairs", "")


@pytest.mark.parametrize(
    ("files", "said"),
    [(["i/a.jpg", "i/a.PNG", "l/a.png"], "2 images"), (["i/a.jpg", "l/a.png", "l/a.jpg"], "2 label maps")],
)
def test_ambiguous_pairs_are_failed_items(tmp_path: Path, files: list[str], said: str) -> None:
    touch(tmp_path, *files, "i/b.jpg", "l/b.png")
    first, second = find_pairs(tmp_path / "i", tmp_path / "l", "lip")
    assert said in str(first.problem)
    assert second.problem is None
    assert [item.reason for item in build([first], None).failed] == ["ambiguous"]


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["i/a.jpg", "l/b.png"], "looked for a.png, found b"),
        (["i/a.jpg", "l/x/a.png"], "looked for a.png, found x/a"),
        (["i/a.jpg", "l/a.txt"], "looked for a.png, found nothing"),
        (["i/a.txt", "l/a.png"], "holds no images"),
    ],
)
def test_nothing_pairs(tmp_path: Path, files: list[str], said: str) -> None:
    touch(tmp_path, *files)
    with pytest.raises(SourceError, match=said):
        find_pairs(tmp_path / "i", tmp_path / "l", "lip")


def test_schemes_are_named_never_guessed(tmp_path: Path) -> None:
    touch(tmp_path, "i/a.jpg", "l/a.png")
    with pytest.raises(ConfigError, match="there is no scheme 'foo'; there are: lip"):
        find_pairs(tmp_path / "i", tmp_path / "l", "foo")
    own = LabelScheme("own", ("background", "body"))
    assert find_pairs(tmp_path / "i", tmp_path / "l", own).scheme == own


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
