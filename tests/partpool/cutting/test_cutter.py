"""One item cut: parts are those of its label map, pixels and keypoints those of its photograph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from partpool import ASDA26, FilterConfig, PartPool, build, find_lip, find_pairs
from partpool.pool.codec import CODECS
from partpool.synthetic.people import draw_person, write_lip_dataset
from partpool.taxonomy.keypoints import MPII_KEYPOINTS


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.slow
def test_pixels_are_those_of_the_source(people: Path, tmp_path: Path, codec: Any) -> None:
    report = build(find_lip(people), tmp_path / "pool.h5", codec=codec, max_side=1024)
    pool = PartPool(tmp_path / "pool.h5")
    assert len(pool) == report.parts > 50
    for part in pool:
        x0, y0, x1, y1 = part.box.tolist()
        assert part.mask.shape == (y1 - y0, x1 - x0)
        assert part.mask[0].any()
        assert part.mask[-1].any()
        assert part.mask[:, 0].any()
        assert part.mask[:, -1].any()
        assert part.mask.sum() >= 35**2
        name = part.source.removeprefix("train_images/").removesuffix(".jpg")
        labels = np.asarray(Image.open(people / "train_segmentations" / f"{name}.png"))[y0:y1, x0:x1]
        ids = ASDA26.scheme.ids(ASDA26[part.name].labels)
        if not ASDA26[part.name].composed:
            assert np.isin(labels[part.mask], ids).all()
        if codec != "jpeg":
            image = np.asarray(Image.open(people / "train_images" / f"{name}.jpg").convert("RGB"))[y0:y1, x0:x1]
            # Two JPEG decoders may differ by a little; the lossless codecs add nothing to that.
            assert np.abs(part.rgb[part.mask].astype(int) - image[part.mask].astype(int)).max() <= 4


@settings(max_examples=60, deadline=None)
@given(
    labels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.integers(0, 19)),
    zoom=st.integers(1, 14),
)
def test_random_label_maps(tmp_path_factory: pytest.TempPathFactory, labels: NDArray[np.uint8], zoom: int) -> None:
    """Whatever the labels: parts lie in their labels, are large enough, tight, and keep the source's pixels."""
    root = tmp_path_factory.mktemp("random")
    labels = np.kron(labels, np.ones((zoom, zoom), np.uint8))
    image = np.random.default_rng(0).integers(0, 256, (*labels.shape, 3), np.uint8)
    for name, array in (("images", image), ("labels", labels)):
        (root / name).mkdir()
        Image.fromarray(array).save(root / name / "x.png")
    filters = FilterConfig(min_area=20, min_side=2, min_texture=0, max_border=1)
    report = build(find_pairs(root / "images", root / "labels", "lip"), root / "pool.h5", codec="raw", filters=filters)
    assert not report.failed
    for part in PartPool(root / "pool.h5"):
        x0, y0, x1, y1 = part.box.tolist()
        inside = labels[y0:y1, x0:x1][part.mask]
        part_class = ASDA26[part.name]
        allowed = ASDA26.scheme.ids(part_class.labels + part_class.bridge)
        if "face" not in part_class.labels or "upper-clothes" not in part_class.labels:
            assert np.isin(inside, allowed).all()
        assert np.isin(inside, (0, *allowed)).all()
        assert part.mask.sum() >= 20
        assert all(side.any() for side in (part.mask[0], part.mask[-1], part.mask[:, 0], part.mask[:, -1]))
        np.testing.assert_array_equal(part.rgb[part.mask], image[y0:y1, x0:x1][part.mask])


def test_config_holds_what_decides_the_bytes_and_nothing_else(people: Path, tmp_path: Path) -> None:
    build(find_lip(people).limit(2), tmp_path / "pool.h5", workers=0)
    config = PartPool(tmp_path / "pool.h5").info()["config"]
    assert set(config) == {
        "filters", "codec", "max_side", "island", "gap", "minor_share", "minor_area", "neck_reach", "neck_central",
        "extend", "shrink_unit", "jpeg_quality",
    }  # fmt: skip
    assert FilterConfig.from_dict(config["filters"]) == FilterConfig()


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
