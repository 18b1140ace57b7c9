"""Every layout of LIP gives the same pool."""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from partpool import build, find_lip
from partpool.errors import SourceError

IMAGES, LABELS = "train_images", "train_segmentations"


def pack(folder: Path, archive: Path, prefix: str, method: int = zipfile.ZIP_STORED) -> None:
    """Put a folder's files into an archive and remove the folder."""
    with zipfile.ZipFile(archive, "a", method) as file:
        for path in sorted(folder.iterdir()):
            file.write(path, f"{prefix}/{path.name}")
    shutil.rmtree(folder)


def nested(root: Path, *, twice: bool) -> None:
    for folder, names in (("TrainVal_images", (IMAGES, "train_id.txt")), ("TrainVal_parsing_annotations", (LABELS,))):
        inner = root / folder / folder if twice else root / folder
        inner.mkdir(parents=True)
        for name in names:
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
