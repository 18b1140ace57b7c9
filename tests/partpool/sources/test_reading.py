"""Items of several files: persons, masks per class, NumPy arrays, keypoints."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from partpool import ASDA26, FilterConfig, LabelScheme, PartPool, build, find_lip, find_pairs
from partpool.errors import ConfigError, LabelMapError, SourceError
from partpool.sources import find_masks
from partpool.sources.decoding import read_label_map
from partpool.sources.reading import read_item
from partpool.synthetic.people import draw_person, write_lip_dataset, write_pairs
from partpool.taxonomy.keypoints import MPII_KEYPOINTS
from partpool.taxonomy.schemes import CIHP, LIP, SCHEMES

SAPIENS = SCHEMES["sapiens-28"]


def npy(array: NDArray[Any], **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array, **options)
    return file.getvalue()


def png(array: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    return file.getvalue()


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


@given(
    hnp.arrays(
        st.sampled_from(["u1", "i2", "<i4", ">i8", "u8"]),
        hnp.array_shapes(min_dims=2, max_dims=2),
        elements=st.integers(0, 19),
    )
)
def test_arrays_are_label_maps(labels: NDArray[Any]) -> None:
    read = read_label_map(npy(labels), LIP)
    assert read.dtype == np.uint8
    np.testing.assert_array_equal(read, labels)


@given(
    hnp.arrays(
        np.float32, st.tuples(st.just(20), st.integers(1, 5), st.integers(1, 5)), elements=st.floats(0, 1, width=32)
    )
)
def test_scores_are_label_maps_of_the_highest(scores: NDArray[np.float32]) -> None:
    np.testing.assert_array_equal(read_label_map(npy(scores), LIP), scores.argmax(axis=0))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (npy(np.zeros((2, 2))), "label-array"),
        (npy(np.zeros((19, 2, 2))), "label-array"),
        (npy(np.zeros(4, np.uint8)), "label-array"),
        (npy(np.zeros((0, 3), np.uint8)), "label-array"),
        (npy(np.array([[object()]]), allow_pickle=True), "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8))[:-1], "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8)) + b"x", "label-unreadable"),
        (b"\x93NUMPY\x01\x00", "label-unreadable"),
        (npy(np.zeros((3, 3), np.uint8)).replace(b"(3, 3)", b"(9**9,"), "label-unreadable"),
        (npy(np.full((2, 2), -1)), "label-out-of-scheme"),
        (npy(np.full((2, 2), 20)), "label-out-of-scheme"),
        (npy(np.full((2, 2), 256 + 5)), "label-out-of-scheme"),
    ],
)
def test_arrays_that_are_no_label_maps(data: bytes, reason: str) -> None:
    with pytest.raises(LabelMapError) as caught:
        read_label_map(data, LIP)
    assert caught.value.reason == reason


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged_arrays_end_in_labels_or_an_error(data: st.DataObject) -> None:
    whole = bytearray(npy(np.arange(20, dtype=np.uint8).reshape(4, 5)))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(6, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(LabelMapError):
        assert read_label_map(bytes(whole), LIP).dtype == np.uint8


def test_sixteen_bits_where_parsers_write_them() -> None:
    labels = np.arange(28, dtype=np.uint16).reshape(4, 7)
    np.testing.assert_array_equal(read_label_map(png(labels), SAPIENS), labels)
    for scheme in (LIP, CIHP):
        with pytest.raises(LabelMapError, match="16 bits"):
            read_label_map(png(labels % 20), scheme)
    with pytest.raises(LabelMapError, match="holds 300"):
        read_label_map(png(labels + np.uint16(300)), SAPIENS)
    own = LabelScheme.from_dict({"name": "own", "labels": ["background", *map(str, range(27))], "sixteen_bit": True})
    np.testing.assert_array_equal(read_label_map(png(labels), own), labels)


@pytest.mark.parametrize("kind", ["8-bit", "16-bit", "npy", "int64"])
def test_the_same_pool_from_every_kind_of_map(tmp_path: Path, kind: str) -> None:
    write = {
        "8-bit": png, "16-bit": lambda labels: png(labels.astype(np.uint16)), "npy": npy,
        "int64": lambda labels: npy(labels.astype(np.int64)),
    }[kind]  # fmt: skip
    write_pairs(tmp_path, 3, SAPIENS)
    expected = build(find_pairs(tmp_path / "images", tmp_path / "labels", "sapiens-28"), None)
    for path in (tmp_path / "labels").iterdir():
        data = write(np.asarray(Image.open(path)))
        path.unlink()
        path.with_suffix(".npy" if data.startswith(b"\x93NUMPY") else ".png").write_bytes(data)
    report = build(find_pairs(tmp_path / "images", tmp_path / "labels", "sapiens-28"), None)
    assert not report.failed
    assert report.counts == expected.counts


@pytest.mark.parametrize("kind", ["L", "1", "P", "npy"])
def test_masks_are_a_label_map(people: Path, tmp_path: Path, kind: str) -> None:
    for path in (people / "train_segmentations").iterdir():
        labels = np.asarray(Image.open(path))
        for value in np.unique(labels[labels > 0]):
            folder = tmp_path / "masks" / LIP.labels[value].replace("-", "_")
            folder.mkdir(parents=True, exist_ok=True)
            mask = labels == value
            if kind == "npy":
                np.save(folder / f"{path.stem}.npy", mask)
            else:
                Image.fromarray(mask.astype(np.uint8) * 255).convert(kind).save(folder / path.name)
    source = find_masks(people / "train_images", tmp_path / "masks", "lip")
    report, expected = build(source, None), build(find_lip(people), None)
    assert not report.failed
    assert report.counts == expected.counts
    own = find_masks(people / "train_images", tmp_path / "masks")
    assert set(own.scheme.labels[1:]) == {
        label for label in LIP.labels if (tmp_path / "masks" / label.replace("-", "_")).is_dir()
    }
    assert build(own, None).counts["face"] == expected.counts["face"]


def test_the_smaller_mask_lies_on_the_larger(tmp_path: Path) -> None:
    large, small = np.zeros((2, 60, 60), np.uint8)
    large[5:55, 5:55], small[20:30, 20:30] = 255, 1
    (tmp_path / "images").mkdir()
    Image.new("RGB", (60, 60)).save(tmp_path / "images" / "a.png")
    for name, mask in (("a-small", small), ("b-large", large)):
        (tmp_path / "masks" / name).mkdir(parents=True)
        Image.fromarray(mask).save(tmp_path / "masks" / name / "a.png")
    source = find_masks(tmp_path / "images", tmp_path / "masks")
    picture = read_item(source[0], source.scheme)
    assert (picture.label_map == 1).sum() == 100
    assert (picture.label_map == 2).sum() == 2400


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


def test_keypoints_in_the_pool_are_those_of_the_picture(tmp_path: Path) -> None:
    """Back from patch to picture they lie where they were drawn, whatever the patch was shrunk by."""
    write_lip_dataset(tmp_path, 5, seed=1, pose=True)
    build(find_lip(tmp_path), tmp_path / "pool.h5", max_side=100)
    people = [
        draw_person(np.random.default_rng((1, n)), view)
        for n, view in enumerate(("whole", "whole", "portrait", "portrait", "legs"))
    ]
    pool = PartPool(tmp_path / "pool.h5")
    for part in pool:
        expected = people[int(Path(part.source).stem)].keypoints
        assert part.keypoints is not None
        assert part.keypoints.dtype == np.float32
        x0, y0, x1, y1 = part.box.tolist()
        height, width = part.mask.shape
        there = part.keypoints[:, :2] * [(x1 - x0) / width, (y1 - y0) / height] + [x0, y0]
        # The CSV holds whole pixels.
        np.testing.assert_allclose(there, expected[:, :2], atol=0.51)
        np.testing.assert_array_equal(part.keypoints[:, 2], expected[:, 2])


def test_keypoints_lie_on_the_parts_that_cover_them(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 10, seed=2, pose=True)
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    pool = PartPool(tmp_path / "pool.h5")
    for name, joint in (("left-arm", "left_elbow"), ("right-arm", "right_elbow"), ("pants", "left_knee")):
        on = []
        for index in pool.indices(name):
            for part in (pool[int(index)], pool[int(index)].hflip().hflip()):
                assert part.keypoints is not None
                x, y, visible = part.keypoints[MPII_KEYPOINTS.index(joint)]
                height, width = part.mask.shape
                if visible and 0 <= x < width and 0 <= y < height:
                    on.append(part.mask[int(y), int(x)])
        assert len(on) >= 2
        assert np.mean(on) > 0.7


def test_a_mirrored_part_has_mirrored_keypoints(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 2, pose=True)
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    for part in PartPool(tmp_path / "pool.h5"):
        mirrored = part.hflip()
        assert part.keypoints is not None
        assert mirrored.keypoints is not None
        for number, name in enumerate(MPII_KEYPOINTS):
            other = name.replace("left", "?").replace("right", "left").replace("?", "right")
            x, y, visible = part.keypoints[MPII_KEYPOINTS.index(other)]
            assert mirrored.keypoints[number].tolist() == [part.mask.shape[1] - x, y, visible]
        np.testing.assert_allclose(mirrored.hflip().keypoints, part.keypoints, rtol=0, atol=1e-4)


def test_a_pool_without_keypoints_has_no_column_for_them(people: Path, tmp_path: Path) -> None:
    build(find_lip(people), tmp_path / "pool.h5")
    pool = PartPool(tmp_path / "pool.h5")
    assert pool[0].keypoints is None
    assert pool.keypoint_coverage() is None


def test_coverage_counts_what_the_parts_hold(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 4, pose=True)
    rows = (tmp_path / "lip_train_set.csv").read_text().splitlines()
    (tmp_path / "lip_train_set.csv").write_text("\n".join(rows[1:]))
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    pool = PartPool([tmp_path / "pool.h5", tmp_path / "pool.h5"])
    coverage = pool.keypoint_coverage()
    assert coverage is not None
    expected = np.zeros((2, 16), int)
    for part in pool:
        assert part.keypoints is not None
        x, y = part.keypoints[:, 0], part.keypoints[:, 1]
        expected[0] += ~np.isnan(x)
        expected[1] += (x >= 0) & (y >= 0) & (x < part.mask.shape[1]) & (y < part.mask.shape[0])
    np.testing.assert_array_equal(coverage, expected)
    assert 0 < coverage[0, 0] < len(pool)


def test_real_lip_keypoints_lie_on_their_parts(shared_data: Path, tmp_path: Path) -> None:
    build(find_lip(shared_data / "lip", "val"), tmp_path / "pool.h5", filters=FilterConfig(max_border=1))
    pool = PartPool(tmp_path / "pool.h5")
    (index,) = pool.indices("whole-body").tolist()
    part = pool[index]
    assert part.keypoints is not None
    on = []
    for name in ("right_knee", "right_ankle", "thorax", "right_elbow", "pelvis"):
        x, y, visible = part.keypoints[MPII_KEYPOINTS.index(name)]
        assert visible == 1
        on.append(bool(part.mask[int(y), int(x)]))
    assert sum(on) >= 4
    assert part.keypoints[MPII_KEYPOINTS.index("left_knee"), 2] == 0
    assert set(ASDA26["whole-body"].keypoints) >= {"left_knee"}
