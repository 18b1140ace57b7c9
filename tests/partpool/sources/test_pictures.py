"""Which files are pictures, and how their names are spelt."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from lip_trees import both, touch
from partpool import find_lip

PAIR = ("train_images/a.jpg", "train_segmentations/a.png")

CYRILLIC, COMPOSED = "жук 7", unicodedata.normalize("NFC", "Ångström é")

DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)


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
