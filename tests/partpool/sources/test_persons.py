"""Pictures of several persons: each is an item of its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from partpool import PartPool, build, find_pairs
from partpool.sources.reading import read_item
from partpool.synthetic.people import draw_person
from partpool.taxonomy.schemes import CIHP


@pytest.fixture(scope="module")
def crowd_of_three(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CIHP folder of two pictures, with three persons and one."""
    root = tmp_path_factory.mktemp("crowd") / "CIHP"
    for folder in ("Images", "Category_ids", "Human_ids"):
        (root / folder).mkdir(parents=True)
    people = [draw_person(np.random.default_rng(seed), "whole", CIHP) for seed in range(4)]
    for name, members in (("0001", people[:3]), ("0002", people[3:])):
        height = max(person.labels.shape[0] for person in members)

        def stack(arrays: list[NDArray[np.uint8]], height: int = height) -> NDArray[np.uint8]:
            padded = [np.pad(a, [(0, height - a.shape[0])] + [(0, 0)] * (a.ndim - 1)) for a in arrays]
            return np.concatenate(padded, axis=1)

        persons = stack([(p.labels > 0) * np.uint8(7 * n + 1) for n, p in enumerate(members)])
        Image.fromarray(stack([p.image for p in members])).save(root / "Images" / f"{name}.png")
        Image.fromarray(stack([p.labels for p in members])).save(root / "Category_ids" / f"{name}.png")
        Image.fromarray(persons).save(root / "Human_ids" / f"{name}.png")
    return root


def test_every_person_is_an_item_with_a_box_of_its_own(crowd_of_three: Path, tmp_path: Path) -> None:
    source = find_pairs(crowd_of_three / "Images", crowd_of_three / "Category_ids", "cihp")
    assert [(item.name, item.person) for item in source] == [
        ("0001.png#1", 1), ("0001.png#15", 15), ("0001.png#8", 8), ("0002.png#1", 1),
    ]  # fmt: skip
    assert "CIHP" in source.license_note
    assert not build(source, tmp_path / "pool.h5").failed
    persons = np.asarray(Image.open(crowd_of_three / "Human_ids" / "0001.png"))
    pool = PartPool(tmp_path / "pool.h5")
    assert len({tuple(part.person_box) for part in pool}) == 4
    for part in pool:
        name, _, number = part.source.partition("#")
        if name == "0001.png":
            rows, columns = np.nonzero(persons == int(number))
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            assert part.person_box.tolist() == box
    whole = [pool[int(index)].source for index in pool.indices("whole-body")]
    assert len(whole) == len(set(whole)) >= 3


def test_the_digest_tells_persons_apart(crowd_of_three: Path) -> None:
    item = find_pairs(crowd_of_three / "Images", crowd_of_three / "Category_ids", "cihp")[1]
    files = (crowd_of_three / folder / "0001.png" for folder in ("Images", "Category_ids"))
    data = b"".join(file.read_bytes() for file in files) + b"15"
    picture = read_item(item, CIHP)
    assert picture.digest == hashlib.blake2b(data, digest_size=16).digest()
    assert [file.name for file in item.files()] == ["0001.png"] * 3


def test_cihp_without_persons_is_refused_picture_by_picture(crowd_of_three: Path, tmp_path: Path) -> None:
    images, labels = crowd_of_three / "Images", tmp_path / "labels"
    labels.symlink_to(crowd_of_three / "Category_ids")
    report = build(find_pairs(images, labels, "cihp"), None)
    assert [(item.name, item.reason) for item in report.failed] == [
        ("0001.png", "several-persons"), ("0002.png", "several-persons"),
    ]  # fmt: skip
    assert "--single-person" in report.failed[0].message
    assert not build(find_pairs(images, labels, "cihp", single_person=True), None).failed
    persons = find_pairs(images, labels, "cihp", persons=crowd_of_three / "Human_ids")
    assert len(persons) == 4


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: path.unlink(), "persons-missing"),
        (lambda path: path.write_bytes(b""), "persons-empty"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "persons-truncated"),
        (lambda path: Image.open(path).convert("RGB").save(path), "persons-rgb"),
        (lambda path: Image.open(path).resize((40, 50), 0).save(path), "persons-mismatch"),
    ],
)
def test_damaged_maps_of_persons(
    crowd_of_three: Path, tmp_path: Path, damage: Callable[[Path], object], reason: str
) -> None:
    persons = tmp_path / "persons"
    persons.mkdir()
    for path in (crowd_of_three / "Human_ids").iterdir():
        (persons / path.name).write_bytes(path.read_bytes())
    damage(persons / "0001.png")
    source = find_pairs(crowd_of_three / "Images", crowd_of_three / "Category_ids", "cihp", persons=persons)
    report = build(source, None)
    assert {item.reason for item in report.failed} == {reason}
    assert report.parts > 0


def test_real_cihp(shared_data: Path) -> None:
    cihp = shared_data / "cihp"
    report = build(find_pairs(cihp / "Images", cihp / "Category_ids", "cihp"), None)
    assert {item.reason for item in report.failed} == {"several-persons"}
    assert len(report.failed) == 5
    report = build(find_pairs(cihp / "Images", cihp / "Category_ids", "cihp", single_person=True), None)
    assert not report.failed
    assert report.parts > 10


def test_real_cihp_with_persons(shared_data: Path, tmp_path: Path) -> None:
    """No map of persons is at hand: connected blobs of foreground stand in for it."""
    import cv2

    cihp = shared_data / "cihp"
    for path in sorted((cihp / "Category_ids").iterdir()):
        labels = np.asarray(Image.open(path))
        _, blobs, stats, _ = cv2.connectedComponentsWithStats((labels > 0).astype(np.uint8))
        persons = np.where(stats[blobs, cv2.CC_STAT_AREA] > 500, blobs, 0).astype(np.uint8)
        Image.fromarray(persons).save(tmp_path / path.name)
    source = find_pairs(cihp / "Images", cihp / "Category_ids", "cihp", persons=tmp_path)
    assert len(source) > 5
    report = build(source, None)
    assert not report.failed
    assert (
        report.parts > build(find_pairs(cihp / "Images", cihp / "Category_ids", "cihp", single_person=True), None).parts
    )
