"""Pairs and masks: which items, with which problems and notes, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from partpool import LabelScheme, build, find_pairs
from partpool.errors import ConfigError, SourceError
from partpool.sources import find_masks


def touch(root: Path, *names: str) -> Path:
    """Empty files; finding does not look into them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def names(source: object) -> list[str]:
    return [item.name for item in source]  # type: ignore[attr-defined]


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


def test_real_mirrored_labels_are_refused(shared_data: Path) -> None:
    cihp = shared_data / "cihp"
    with pytest.raises(SourceError, match="mirrored"):
        find_pairs(cihp / "Images", cihp / "Category_rev_ids", "lip")
    assert len(find_pairs(cihp / "Images", cihp / "Category_ids", "lip")) == 5


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


def test_masks_that_are_none(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    Image.new("RGB", (9, 9)).save(tmp_path / "images" / "a.png")
    with pytest.raises(SourceError, match="there is no folder"):
        find_masks(tmp_path / "images", tmp_path / "masks")
    (tmp_path / "masks" / "nose").mkdir(parents=True)
    with pytest.raises(SourceError, match=r"looked for CLASS/a\.png, found no folders of classes"):
        find_masks(tmp_path / "images", tmp_path / "masks")
    Image.fromarray(np.arange(81, dtype=np.uint8).reshape(9, 9)).save(tmp_path / "masks" / "nose" / "a.png")
    with pytest.raises(ConfigError, match="'nose', but scheme 'lip' has only"):
        find_masks(tmp_path / "images", tmp_path / "masks", "lip")
    (failed,) = build(find_masks(tmp_path / "images", tmp_path / "masks"), None).failed
    assert failed.reason == "label-not-binary"
