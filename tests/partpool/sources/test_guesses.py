"""A wrong path costs one message, which holds the nearest guess."""

from __future__ import annotations

from pathlib import Path

import pytest

from lip_trees import both, touch
from partpool import find_lip
from partpool.errors import SourceError


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


@pytest.mark.parametrize(
    ("files", "given", "said"),
    [
        (["LIP/train_images/a.jpg", "LIP/train_segmentations/a.png"], "LIP/train_images", "pass --lip {}/LIP"),
        (["LIP/TrainVal_images/x", "LIP/TrainVal_parsing_annotations/x"], "LIP/TrainVal_images", "pass --lip {}/LIP"),
        (["x/Images/a.jpg", "x/Category_ids/a.png"], "x", "looks like CIHP: pass --images {}/x/Images --labels"),
        (["JPEGImages/a.jpg", "SegmentationClassAug/a.png"], ".", "looks like ATR: pass --images"),
        (["train_image/a.jpg", "train_segmentations/a.png"], ".", "Is train_image what LIP calls train_images?"),
        (["TrainVal_images.tar.gz"], ".", "Unpack TrainVal_images.tar.gz first"),
        (["photos/a.jpg", "maps/a.png"], ".", "--images {}/photos --labels {}/maps --scheme NAME"),
        (["train_images/a.jpg"], ".", "Only train_segmentations is missing"),
        (["train_images.zip"], ".", "train_images.zip was left out: it cannot be unpacked"),
        (["Train_parsing_reversed_labels/train_segmentations/a.png", "train_images/a.jpg"], ".", "mirrored"),
    ],
)
def test_a_wrong_path_gets_the_nearest_guess(tmp_path: Path, files: list[str], given: str, said: str) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    with pytest.raises(SourceError) as caught:
        find_lip(tmp_path / given)
    message = str(caught.value)
    assert said.replace("{}", str(tmp_path)) in message
    assert "train_images with train_segmentations" in message
    assert "\n" not in message
