"""Segments and verdicts equal the slow reference on real, drawn and random people; every rule at its limit."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from oracles import segmentation as oracle
from oracles.comparison import assert_equals_oracle, segments_of
from partpool import ASDA26, EXTENDED, LIP, FilterConfig, Taxonomy
from partpool.segment.segmenter import Segmenter
from partpool.sources.decoding import read_image, read_label_map
from partpool.synthetic.people import VIEWS, View, draw_person
from segment_maps import CORNERS, Block, draw_blocks, neck_map

LabelMap = NDArray[np.uint8]

Mask = NDArray[np.bool_]

DATA = Path(__file__).parents[4] / "shared" / "data"

CHUNKS = 8

LOOSE = FilterConfig(min_area=6, min_side=2, max_aspect=6.0, min_texture=48.0, max_iou=0.6)
"""Thresholds that small random segments can pass, so that all the filters get their turn."""


def find_pairs(folder: str) -> list[tuple[Path, Path]]:
    """Photographs and label maps of a data set in LIP's flat layout, by name."""
    return [
        (path.parents[1] / path.parent.name.replace("segmentations", "images") / f"{path.stem}.jpg", path)
        for path in sorted((DATA / folder).glob("*_segmentations/*.png"))
    ]


LIP_PAIRS, PHOTO_PAIRS = find_pairs("lip"), find_pairs("lip-scheme-photos")

needs_data = pytest.mark.skipif(not LIP_PAIRS or not PHOTO_PAIRS, reason=f"the real label maps are not at {DATA}")


def check_pairs(pairs: Sequence[tuple[Path, Path]], taxonomy: Taxonomy) -> None:
    """Compare on files, and name every file that differs."""
    different = {}
    for photo, path in pairs:
        label_map = read_label_map(path.read_bytes(), LIP)
        image = read_image(photo.read_bytes(), (label_map.shape[1], label_map.shape[0]))
        try:
            assert_equals_oracle(label_map, image, taxonomy, FilterConfig())
        except AssertionError as difference:
            different[path.name] = str(difference).splitlines()[0]
    assert different == {}


@needs_data
@pytest.mark.parametrize("taxonomy", [ASDA26, EXTENDED], ids=lambda taxonomy: taxonomy.name)
def test_equals_the_oracle_on_lip(taxonomy: Taxonomy) -> None:
    check_pairs(LIP_PAIRS, taxonomy)


@needs_data
@pytest.mark.parametrize("chunk", range(CHUNKS), ids=lambda chunk: f"asda26-all-photos-{chunk + 1}-of-{CHUNKS}")
@pytest.mark.slow
def test_equals_the_oracle_on_photos(chunk: int) -> None:
    check_pairs(PHOTO_PAIRS[chunk::CHUNKS], ASDA26)


@needs_data
@pytest.mark.parametrize("step", [8], ids=["extended-every-8th-photo"])
@pytest.mark.slow
def test_equals_the_oracle_on_some_photos(step: int) -> None:
    check_pairs(PHOTO_PAIRS[::step], EXTENDED)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("view", sorted(set(VIEWS)))
def test_equals_the_oracle_on_drawn_people(view: View, seed: int) -> None:
    person = draw_person(np.random.default_rng(seed), view)
    assert_equals_oracle(person.labels, np.ascontiguousarray(person.image[..., ::-1]), EXTENDED, FilterConfig())


PALETTES = {
    "all": LIP.labels,
    "neck": ("background", "background", "face", "hair", "coat", "scarf", "left-arm"),
    "legs": ("background", "background", "pants", "socks", "left-leg", "right-leg", "left-shoe", "right-shoe"),
    "hands": ("background", "background", "glove", "left-arm", "right-arm"),
}
"""What random people are painted in: everything, or what one rule is about."""


@st.composite
def label_maps(draw: st.DrawFn) -> LabelMap:
    """Rectangles and ellipses of random labels over each other, with or without noise."""
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    name = draw(st.sampled_from(sorted(PALETTES)))
    palette = LIP.ids(PALETTES[name])
    rows, columns = np.mgrid[0:height, 0:width]
    label_map = np.zeros((height, width), np.uint8)
    if name == "neck":
        chin = draw(st.integers(1, 20))
        collar = chin + draw(st.integers(0, 8))
        label_map[:chin, draw(st.integers(0, 20)) :][:, : draw(st.integers(1, 25))] = LIP.labels.index("face")
        label_map[collar:, draw(st.integers(0, 20)) :][:, : draw(st.integers(1, 25))] = LIP.labels.index("coat")
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


@settings(max_examples=300, deadline=None)
@given(label_maps(), st.sampled_from([FilterConfig(), LOOSE]), st.integers(0, 999))
def test_equals_the_oracle_on_random_maps(label_map: LabelMap, config: FilterConfig, seed: int) -> None:
    # Which of several equally large faces a neck hangs from is not defined.
    faces = sorted(int(face.sum()) for face in oracle.components(label_map == LIP.labels.index("face")))
    assume(len(faces) < 2 or faces[-1] > faces[-2])
    image = np.random.default_rng(seed).integers(0, 256, (*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, EXTENDED, config)


@pytest.mark.parametrize(
    ("sock", "joins"),
    [
        pytest.param((20, 30, 26, 40), True, id="between"),
        pytest.param((30, 22, 36, 28), True, id="beside-the-leg"),
        pytest.param((30, 30, 36, 36), True, id="corner-to-corner"),
        pytest.param((14, 40, 20, 44), True, id="beside-the-shoe"),
        pytest.param((31, 22, 36, 28), False, id="one-pixel-off"),
        pytest.param((31, 31, 36, 36), False, id="one-pixel-off-the-corner"),
    ],
)
def test_socks_join_a_leg_with_shoe_only_where_they_touch(sock: tuple[int, int, int, int], joins: bool) -> None:
    label_map = draw_blocks(("left-leg", 20, 10, 30, 30), ("left-shoe", 20, 40, 32, 46), ("socks", *sock), *CORNERS)
    ((mask, _),) = segments_of(label_map, "left-leg-with-shoe")
    wanted = ("left-leg", "left-shoe", "socks") if joins else ("left-leg", "left-shoe")
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(wanted)))


def test_a_sock_connects_leg_and_shoe() -> None:
    apart = (("left-leg", 20, 10, 30, 30), ("left-shoe", 20, 40, 32, 46), *CORNERS)
    assert segments_of(draw_blocks(*apart), "left-leg-with-shoe")[0][1] == 200 / 272
    joined = draw_blocks(("socks", 20, 30, 26, 40), *apart)
    assert segments_of(joined, "left-leg-with-shoe")[0][1] == 1.0
    assert segments_of(joined, "right-leg-with-shoe") == []


def test_each_sock_is_a_part_from_large_to_small() -> None:
    label_map = draw_blocks(("socks", 40, 60, 42, 62), ("socks", 10, 10, 30, 40), ("socks", 40, 50, 45, 58))
    found = segments_of(label_map, "socks")
    # The last one is less than 5 % of the first, but no island.
    assert [(int(mask.sum()), largest) for mask, largest in found] == [(600, 1.0), (40, 1.0), (4, 1.0)]
    label_map[40, 30] = LIP.labels.index("socks")
    assert int(segments_of(label_map, "socks")[0][0].sum()) == 601


@pytest.mark.parametrize(
    ("dx", "dy", "joined"),
    [(0, 3, True), (3, 2, True), (2, 3, True), (0, 4, False), (4, 0, False), (3, 3, False), (0, 5, False)],
)
def test_components_closer_than_the_gap_are_connected(dx: int, dy: int, joined: bool) -> None:
    """The gap is 4 % of the person's diagonal of 100 pixels; nothing between is filled."""
    shoe_x, shoe_y = 29 + dx, 39 + dy
    label_map = draw_blocks(
        ("pants", 10, 10, 30, 40), ("left-shoe", shoe_x, shoe_y, shoe_x + 10, shoe_y + 6), *CORNERS
    )  # fmt: skip
    ((mask, largest),) = segments_of(label_map, "lower-body")
    assert largest == (1.0 if joined else 600 / 660)
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(("pants", "left-shoe"))))


def test_the_gap_is_for_composed_classes() -> None:
    label_map = draw_blocks(("pants", 10, 10, 20, 40), ("pants", 22, 10, 32, 40), ("skirt", 10, 5, 32, 8), *CORNERS)
    assert segments_of(label_map, "pants")[0][1] == 0.5
    assert segments_of(label_map, "lower-body")[0][1] == 1.0


@pytest.mark.parametrize(("width", "kept"), [(4, False), (5, True), (6, True)])
def test_islands_below_5_percent_are_dropped_and_counted(width: int, kept: bool) -> None:
    label_map = draw_blocks(("coat", 5, 5, 25, 25), ("coat", 40, 40, 44, 40 + width), *CORNERS)
    ((mask, largest),) = segments_of(label_map, "coat")
    assert int(mask.sum()) == 400 + (4 * width if kept else 0)
    assert largest == 400 / (400 + 4 * width)
    segmentation = Segmenter(ASDA26)(label_map)
    assert segmentation is not None
    assert segmentation.islands.get(ASDA26.id("coat"), 0) == (0 if kept else 1)


@pytest.mark.parametrize(
    ("hair", "face", "taken"),
    [
        pytest.param((0, 0, 19, 5), (0, 5, 5, 6), True, id="5-percent"),
        pytest.param((0, 0, 16, 6), (0, 6, 4, 7), False, id="4-percent"),
        pytest.param((0, 0, 200, 200), (200, 0, 235, 35), True, id="35-squared"),
        pytest.param((0, 0, 200, 200), (200, 0, 272, 17), False, id="35-squared-less-one"),
    ],
)
def test_a_composed_segment_is_more_than_its_largest_label(
    hair: tuple[int, int, int, int], face: tuple[int, int, int, int], taken: bool
) -> None:
    label_map = draw_blocks(("hair", *hair), ("face", *face), size=(300, 210))
    assert len(segments_of(label_map, "head")) == taken


def test_labels_beside_the_largest_count_together() -> None:
    blocks: tuple[Block, ...] = (("hair", 0, 0, 19, 5), ("face", 0, 5, 3, 6), ("hat", 3, 5, 5, 6))
    assert len(segments_of(draw_blocks(*blocks), "head")) == 1
    assert segments_of(draw_blocks(*blocks[:2]), "head") == []


@pytest.mark.parametrize(
    ("name", "complete", "missing"),
    [
        ("left-leg-with-shoe", ("left-leg", "socks", "left-shoe"), ("left-leg", "socks")),
        ("left-leg-with-shoe", ("left-leg", "socks", "left-shoe"), ("socks", "left-shoe")),
        ("upper-body-with-head", ("face", "coat", "left-arm"), ("coat", "left-arm")),
        ("upper-body-with-head", ("hair", "face", "coat"), ("hair", "face")),
        ("lower-body", ("socks", "left-shoe", "skirt"), ("socks", "left-shoe")),
        ("whole-body", ("face", "coat", "pants"), ("coat", "pants")),
        ("whole-body", ("face", "coat", "pants"), ("face", "pants")),
        ("whole-body", ("face", "coat", "pants"), ("face", "coat")),
    ],
)
def test_required_labels(name: str, complete: tuple[str, ...], missing: tuple[str, ...]) -> None:
    for labels, count in ((complete, 1), (missing, 0)):
        blocks = [(label, 5, 10 * row, 30, 10 * row + 10) for row, label in enumerate(labels)]
        assert len(segments_of(draw_blocks(*blocks), name)) == count


def test_a_required_label_must_not_be_an_island() -> None:
    far_shoe = draw_blocks(("left-leg", 5, 5, 15, 35), ("socks", 5, 35, 15, 45), ("left-shoe", 40, 70, 44, 73))
    assert segments_of(far_shoe, "left-leg-with-shoe") == []


def test_nothing_but_background_is_none() -> None:
    assert Segmenter(ASDA26)(np.zeros((7, 9), np.uint8)) is None
    assert oracle.segment(np.zeros((7, 9), np.uint8), ASDA26) == ([], {})


def test_ignored_pixels_arrive_as_background() -> None:
    stored = draw_blocks(("coat", 5, 5, 25, 25))
    stored[0, 0] = stored[10, 10] = 255
    png = io.BytesIO()
    Image.fromarray(stored).save(png, "PNG")
    label_map = read_label_map(png.getvalue(), LIP)
    segmentation = Segmenter(ASDA26)(label_map)
    assert segmentation is not None
    assert segmentation.regions.person_box == (5, 5, 25, 25)
    assert [segment.area for segment in segmentation.segments] == [399]


def test_the_label_map_is_left_as_it_is() -> None:
    label_map = neck_map(5)
    before = label_map.copy()
    Segmenter(EXTENDED)(label_map)
    np.testing.assert_array_equal(label_map, before)
