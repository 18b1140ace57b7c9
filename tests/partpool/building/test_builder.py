"""Building pools: the same bytes however it is done, and what is stored is what was cut."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from partpool import ASDA26, EXTENDED, FilterConfig, PartPool, build, find_lip, find_pairs
from partpool.building.report import BuildProgress
from partpool.cutting.compiled import COMPILED
from partpool.errors import BuildStoppedError, ConfigError, OutputError
from partpool.pool.codec import CODECS
from partpool.synthetic.people import write_lip_dataset


@pytest.fixture(scope="module")
def lip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lip")
    write_lip_dataset(root, 40, seed=7)
    return root


def fingerprint(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes()).hexdigest()


def test_same_bytes_for_any_number_of_workers(lip: Path, tmp_path: Path) -> None:
    seen = set()
    for workers in (0, 1, 2, 4):
        report = build(find_lip(lip), tmp_path / f"{workers}.h5", workers=workers)
        assert not report.failed
        seen.add(fingerprint(tmp_path / f"{workers}.h5"))
    assert len(seen) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.h5", "1.h5", "2.h5", "4.h5"]


def test_same_bytes_without_a_compiler(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever builds a shard, and how partpool was installed there, does not show."""
    if not COMPILED:
        pytest.skip("partpool.cutting._cut is not built: there was no C compiler when partpool was installed")
    build(find_lip(lip), tmp_path / "compiled.h5", codec="raw", max_side=77)
    monkeypatch.setattr("partpool.cutting.compiled.COMPILED", False)
    build(find_lip(lip), tmp_path / "plain.h5", codec="raw", max_side=77)
    assert fingerprint(tmp_path / "compiled.h5") == fingerprint(tmp_path / "plain.h5")


def test_same_bytes_for_any_order_of_the_folder(lip: Path, tmp_path: Path) -> None:
    """Files created in another order are listed in another order by most file systems."""
    copy = tmp_path / "copy"
    for folder in ("train_images", "train_segmentations"):
        (copy / folder).mkdir(parents=True)
        names = sorted(path.name for path in (lip / folder).iterdir())
        random.Random(3).shuffle(names)
        for name in names:
            shutil.copy2(lip / folder / name, copy / folder / name)
    build(find_lip(lip), tmp_path / "a.h5")
    build(find_lip(copy), tmp_path / "b.h5")
    assert fingerprint(tmp_path / "a.h5") == fingerprint(tmp_path / "b.h5")


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.slow
def test_pixels_are_those_of_the_source(lip: Path, tmp_path: Path, codec: Any) -> None:
    report = build(find_lip(lip), tmp_path / "pool.h5", codec=codec, max_side=1024)
    pool = PartPool(tmp_path / "pool.h5")
    assert len(pool) == report.parts > 100
    for part in pool:
        x0, y0, x1, y1 = part.box.tolist()
        assert part.mask.shape == (y1 - y0, x1 - x0)
        assert part.mask[0].any()
        assert part.mask[-1].any()
        assert part.mask[:, 0].any()
        assert part.mask[:, -1].any()
        assert part.mask.sum() >= 35**2
        name = part.source.removeprefix("train_images/").removesuffix(".jpg")
        labels = np.asarray(Image.open(lip / "train_segmentations" / f"{name}.png"))[y0:y1, x0:x1]
        ids = ASDA26.scheme.ids(ASDA26[part.name].labels)
        if not ASDA26[part.name].composed:
            assert np.isin(labels[part.mask], ids).all()
        if codec != "jpeg":
            image = np.asarray(Image.open(lip / "train_images" / f"{name}.jpg").convert("RGB"))[y0:y1, x0:x1]
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


def test_counts_add_up(lip: Path, tmp_path: Path) -> None:
    report = build(find_lip(lip), tmp_path / "pool.h5", taxonomy=EXTENDED)
    pool = PartPool(tmp_path / "pool.h5")
    for name, outcomes in report.counts.items():
        assert outcomes.get("kept", 0) == pool.count(name)
    assert pool.info()["stats"] == report.counts
    assert pool.info()["n_items"] == report.items == 40
    assert report.pool_bytes == (tmp_path / "pool.h5").stat().st_size


@pytest.mark.slow
def test_every_class_gets_parts(tmp_path: Path) -> None:
    write_lip_dataset(tmp_path, 60)
    build(find_lip(tmp_path), tmp_path / "pool.h5")
    pool = PartPool(tmp_path / "pool.h5")
    assert min(pool.count(part.name) for part in pool.classes) > 0


def test_repeated_items_are_dropped_and_counted(lip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(lip, copy)
    (copy / "train_id.txt").unlink()
    shutil.copy(copy / "train_images/000004.jpg", copy / "train_images/zz.jpg")
    shutil.copy(copy / "train_segmentations/000004.png", copy / "train_segmentations/zz.png")
    build(find_lip(lip), tmp_path / "a.h5")
    report = build(find_lip(copy), tmp_path / "b.h5")
    once, twice = PartPool(tmp_path / "a.h5"), PartPool(tmp_path / "b.h5")
    assert len(once) == len(twice) == report.parts
    assert sum(outcomes.get("repeated", 0) for outcomes in report.counts.values()) > 0
    assert twice.info()["n_items"] == 40
    assert all(a.source == b.source for a, b in zip(once, twice, strict=True))


def test_dry_run_estimates_without_writing(lip: Path, tmp_path: Path) -> None:
    os.chdir(tmp_path)
    dry = build(find_lip(lip), None)
    wet = build(find_lip(lip), tmp_path / "pool.h5")
    assert dry.counts == wet.counts
    assert dry.out is None
    assert dry.pool_bytes == pytest.approx(wet.pool_bytes, rel=0.1)
    assert [path.name for path in tmp_path.iterdir()] == ["pool.h5"]


def test_progress_reaches_the_end(lip: Path, tmp_path: Path) -> None:
    seen: list[BuildProgress] = []
    report = build(find_lip(lip), tmp_path / "pool.h5", on_progress=seen.append)
    assert [progress.done for progress in seen] == [16, 32, 40]
    assert seen[-1].parts == report.parts


def test_created_follows_source_date_epoch(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "86400")
    build(find_lip(lip).limit(2), tmp_path / "pool.h5")
    assert PartPool(tmp_path / "pool.h5").info()["created"] == "1970-01-02T00:00:00+00:00"


def test_config_holds_what_decides_the_bytes_and_nothing_else(lip: Path, tmp_path: Path) -> None:
    build(find_lip(lip).limit(2), tmp_path / "pool.h5", workers=0)
    config = PartPool(tmp_path / "pool.h5").info()["config"]
    assert set(config) == {
        "filters", "codec", "max_side", "island", "gap", "minor_share", "minor_area", "neck_reach", "neck_central",
        "extend", "shrink_unit", "jpeg_quality",
    }  # fmt: skip
    assert FilterConfig.from_dict(config["filters"]) == FilterConfig()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"codec": "gif"}, "there is no codec 'gif'"),
        ({"max_side": 3}, r"max_side must lie in \[16, 4096\] pixels, but got 3"),
        ({"workers": -1}, "workers must not be negative"),
    ],
)
def test_wrong_options(lip: Path, tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(find_lip(lip), tmp_path / "pool.h5", **options)
    assert not list(tmp_path.iterdir())


def test_failures_are_listed_and_may_stop_the_build(lip: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(lip, copy)
    (copy / "train_segmentations/000003.png").write_bytes(b"")
    (copy / "train_images/000005.jpg").unlink()
    report = build(find_lip(copy), tmp_path / "pool.h5")
    assert [(item.name, item.reason) for item in report.failed] == [
        ("train_images/000003.jpg", "label-empty"),
        ("train_images/000005", "image-missing"),
    ]
    assert PartPool(tmp_path / "pool.h5").info()["errors"] == {"image-missing": 1, "label-empty": 1}
    for allowed in (0, 1):
        with pytest.raises(BuildStoppedError, match="no pool was written"):
            build(find_lip(copy), tmp_path / "stopped.h5", max_errors=allowed)
    assert build(find_lip(copy), tmp_path / "fine.h5", max_errors=2).parts == report.parts
    assert not (tmp_path / "stopped.h5").exists()


def test_existing_output_is_safe(lip: Path, tmp_path: Path) -> None:
    out = tmp_path / "pool.h5"
    out.write_text("precious")
    with pytest.raises(OutputError, match="exists; pass --overwrite"):
        build(find_lip(lip), out)
    assert out.read_text() == "precious"
    build(find_lip(lip).limit(1), out, overwrite=True)
    assert len(PartPool(out)) > 0
