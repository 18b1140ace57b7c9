"""The fast segmentation and its verdicts equal the slow reference, on real, drawn and random people."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from oracles import segmentation as oracle
from PIL import Image

from partpool import ASDA26, EXTENDED, LIP, FilterConfig, LabelScheme, PartClass, Taxonomy
from partpool.images import read_image, read_label_map
from partpool.judging import judge
from partpool.schemes import NeckRule
from partpool.segment import Segmentation, Segmenter
from partpool.synthetic import VIEWS, View, draw_person

DATA = Path(__file__).parents[3] / "shared" / "data"
LOOSE = FilterConfig(min_area=6, min_side=2, max_aspect=6.0, min_texture=48.0)
"""Thresholds that small random segments can pass, so that all the filters get their turn."""


def find_pairs(folder: str) -> list[tuple[Path, Path]]:
    """Photographs and label maps of one data set in LIP's flat layout, by name."""
    maps = sorted((DATA / folder).glob("*_segmentations/*.png"))
    return [(path.parents[1] / path.parent.name.replace("segmentations", "images") / f"{path.stem}.jpg", path)
            for path in maps]  # fmt: skip


LIP_PAIRS, PHOTO_PAIRS = find_pairs("lip"), find_pairs("lip-scheme-photos")


def full_mask(segmentation: Segmentation, members: list[int], shape: Sequence[int]) -> NDArray[np.bool_]:
    """Pixels of a segment in the whole picture."""
    x0, y0, x1, y1 = segmentation.regions.person_box
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = segmentation.regions.mask(members, (0, 0, x1 - x0, y1 - y0)) > 0
    return mask


def assert_equals_oracle(
    label_map: NDArray[np.uint8], image: NDArray[np.uint8], taxonomy: Taxonomy, config: FilterConfig
) -> None:
    """Same classes, pixels, largest shares, islands, measures and verdicts."""
    segmentation = Segmenter(taxonomy)(label_map)
    expected, islands = oracle.segment(label_map, taxonomy)
    if segmentation is None:
        assert not label_map.any()
        return
    assert {taxonomy.names[class_id]: count for class_id, count in segmentation.islands.items()} == islands
    found = {}
    for judged in judge(segmentation, image, taxonomy, config):
        segment = judged.segment
        mask = full_mask(segmentation, segment.members, label_map.shape)
        rows, columns = np.nonzero(mask)
        assert judged.box == (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert segment.area == len(rows)
        if judged.mask is not None:
            x0, y0, x1, y1 = judged.box
            np.testing.assert_array_equal(judged.mask, np.where(mask[y0:y1, x0:x1], 255, 0))
        found[taxonomy.names[segment.class_id], mask.tobytes()] = judged
    assert len(found) == len(segmentation.segments)
    assert sorted(name for name, _ in found) == sorted(candidate.name for candidate in expected)
    verdicts = oracle.judge(expected, image, config)
    for candidate, verdict in zip(expected, verdicts, strict=True):
        assert (candidate.name, candidate.mask.tobytes()) in found, f"{candidate.name} has other pixels"
        judged = found[candidate.name, candidate.mask.tobytes()]
        assert judged.segment.largest == candidate.largest, candidate.name
        assert judged.reason == verdict.reason, candidate.name
        if judged.mask is not None:
            measured = (judged.measured.raggedness, judged.measured.border, judged.measured.texture)
            assert measured == pytest.approx(verdict[1:], abs=1e-6), candidate.name


def check_pairs(pairs: Sequence[tuple[Path, Path]], taxonomy: Taxonomy) -> None:
    """Compare on files, and name every file that differs, with its first difference."""
    different = {}
    for photo, path in pairs:
        label_map = read_label_map(path.read_bytes(), LIP)
        image = read_image(photo.read_bytes(), (label_map.shape[1], label_map.shape[0]))
        try:
            assert_equals_oracle(label_map, image, taxonomy, FilterConfig())
        except AssertionError as difference:
            different[path.name] = str(difference).splitlines()[0]
    assert different == {}, f"{len(different)} of {len(pairs)} differ: {different}"


def test_equals_the_oracle_on_real_people() -> None:
    check_pairs(LIP_PAIRS, ASDA26)

PALETTES = {
    "all": LIP.labels,
    "neck": ("background", "background", "face", "hair", "coat", "scarf", "left-arm"),
    "legs": ("background", "background", "pants", "socks", "left-leg", "right-leg", "left-shoe", "right-shoe"),
    "hands": ("background", "background", "glove", "left-arm", "right-arm"),
}
"""What random people are painted in: everything, or what one rule is about."""


@st.composite
def label_maps(draw: st.DrawFn) -> NDArray[np.uint8]:
    """Rectangles and ellipses of random labels over each other, with or without noise."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    palette = LIP.ids(PALETTES[draw(st.sampled_from(sorted(PALETTES)))])
    rows, columns = np.mgrid[0:height, 0:width]
    label_map = np.zeros((height, width), np.uint8)
    for _ in range(draw(st.integers(0, 12))):
        x, y = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
        rx, ry = draw(st.integers(0, 15)), draw(st.integers(0, 15))
        away = abs(columns - x) / (rx + 0.5), abs(rows - y) / (ry + 0.5)
        inside = np.maximum(*away) <= 1 if draw(st.booleans()) else np.hypot(*away) <= 1
        label_map[inside] = draw(st.sampled_from(palette))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    noisy = rng.random((height, width)) < draw(st.sampled_from([0, 0, 0.02, 0.2, 1]))
    label_map[noisy] = rng.choice(palette, int(noisy.sum()))
    return label_map


@settings(max_examples=int(__import__("os").environ.get("N","200")), deadline=None)
@given(label_maps(), st.sampled_from([FilterConfig(), LOOSE]), st.integers(0, 999))
def test_equals_the_oracle_on_random_maps(label_map: NDArray[np.uint8], config: FilterConfig, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, EXTENDED, config)
