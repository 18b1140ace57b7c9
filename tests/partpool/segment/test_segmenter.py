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
from partpool import ASDA26, EXTENDED, LIP, FilterConfig, LabelScheme, PartClass, Taxonomy
from partpool.filters.judging import judge
from partpool.segment.segmenter import Segmentation, Segmenter
from partpool.sources.decoding import read_image, read_label_map
from partpool.synthetic.people import VIEWS, View, draw_person
from partpool.taxonomy.schemes import NeckRule

LabelMap = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Block = tuple[str, int, int, int, int]
"""A label and the box it fills: x0, y0, x1, y1, half-open."""

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


def full_mask(segmentation: Segmentation, members: list[int], shape: Sequence[int]) -> Mask:
    """Pixels of some regions in the whole picture."""
    x0, y0, x1, y1 = segmentation.regions.person_box
    mask = np.zeros(shape, bool)
    mask[y0:y1, x0:x1] = segmentation.regions.mask(members, (0, 0, x1 - x0, y1 - y0)) > 0
    return mask


def assert_equals_oracle(
    label_map: LabelMap, image: NDArray[np.uint8], taxonomy: Taxonomy, config: FilterConfig
) -> None:
    """Same classes, pixels, largest shares, islands, boxes, measures and verdicts."""
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
    for (name, mask, largest), verdict in zip(expected, oracle.judge(expected, image, config), strict=True):
        assert (name, mask.tobytes()) in found, f"{name} has other pixels"
        judged = found[name, mask.tobytes()]
        assert judged.segment.largest == largest, name
        assert judged.reason == verdict.reason, name
        if judged.mask is not None:
            measured = (judged.measured.raggedness, judged.measured.border, judged.measured.texture)
            assert measured == pytest.approx(verdict[1:], abs=1e-6), name


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


def draw_blocks(*blocks: Block, size: tuple[int, int] = (60, 80)) -> LabelMap:
    """A label map [H, W] of rectangles, later ones over earlier ones; ``size`` is width and height.

    60 × 80 has a diagonal of 100, so that gap and reach are whole pixels: 4 and 16.
    """
    label_map = np.zeros(size[::-1], np.uint8)
    for label, x0, y0, x1, y1 in blocks:
        label_map[y0:y1, x0:x1] = LIP.labels.index(label)
    return label_map


def cut(label_map: LabelMap, name: str, taxonomy: Taxonomy = ASDA26) -> list[tuple[Mask, float]]:
    """Masks and largest shares of one class's segments; the whole map is compared with the oracle by the way."""
    image = np.random.default_rng(0).integers(0, 256, (*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, taxonomy, FilterConfig())
    segmentation = Segmenter(taxonomy)(label_map)
    assert segmentation is not None
    class_id = taxonomy.id(name)
    return [
        (full_mask(segmentation, segment.members, label_map.shape), segment.largest)
        for segment in segmentation.segments
        if segment.class_id == class_id
    ]


CORNERS: tuple[Block, ...] = (("hat", 0, 0, 1, 1), ("hat", 59, 79, 60, 80))
"""Two pixels that stretch the person's box over the whole map."""


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
    ((mask, _),) = cut(label_map, "left-leg-with-shoe")
    wanted = ("left-leg", "left-shoe", "socks") if joins else ("left-leg", "left-shoe")
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(wanted)))


def test_a_sock_connects_leg_and_shoe() -> None:
    apart = (("left-leg", 20, 10, 30, 30), ("left-shoe", 20, 40, 32, 46), *CORNERS)
    assert cut(draw_blocks(*apart), "left-leg-with-shoe")[0][1] == 200 / 272
    joined = draw_blocks(("socks", 20, 30, 26, 40), *apart)
    assert cut(joined, "left-leg-with-shoe")[0][1] == 1.0
    assert cut(joined, "right-leg-with-shoe") == []


def test_each_sock_is_a_part_from_large_to_small() -> None:
    label_map = draw_blocks(("socks", 40, 60, 42, 62), ("socks", 10, 10, 30, 40), ("socks", 40, 50, 45, 58))
    found = cut(label_map, "socks")
    # The last one is less than 5 % of the first, but no island.
    assert [(int(mask.sum()), largest) for mask, largest in found] == [(600, 1.0), (40, 1.0), (4, 1.0)]
    label_map[40, 30] = LIP.labels.index("socks")
    assert int(cut(label_map, "socks")[0][0].sum()) == 601


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
    ((mask, largest),) = cut(label_map, "lower-body")
    assert largest == (1.0 if joined else 600 / 660)
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(("pants", "left-shoe"))))


def test_the_gap_is_for_composed_classes() -> None:
    label_map = draw_blocks(("pants", 10, 10, 20, 40), ("pants", 22, 10, 32, 40), ("skirt", 10, 5, 32, 8), *CORNERS)
    assert cut(label_map, "pants")[0][1] == 0.5
    assert cut(label_map, "lower-body")[0][1] == 1.0


def neck_map(length: int, *more: Block) -> LabelMap:
    """A face 11 pixels wide over the middle of a coat, ``length`` rows apart, in a person of diagonal 100."""
    return draw_blocks(
        ("coat", 10, 20 + length, 51, 60), ("face", 25, 6, 36, 20), *more,
        ("left-shoe", 0, 0, 1, 1), ("left-shoe", 59, 79, 60, 80),
    )  # fmt: skip


@pytest.mark.parametrize("length", [1, 5, 16])
def test_the_neck_is_filled_and_nothing_beside_it(length: int) -> None:
    # An arm that is close to the coat and the face: a closing would fill what lies between.
    label_map = neck_map(length, ("left-arm", 52, 14, 56, 50))
    ((mask, largest),) = cut(label_map, "upper-body-with-head")
    neck = np.zeros_like(mask)
    neck[20 : 20 + length, 27:34] = True  # 70 % of the face's 10 pixels from side to side, about column 30
    np.testing.assert_array_equal(mask, neck | np.isin(label_map, LIP.ids(("coat", "face", "left-arm"))))
    body = 11 * 14 + 41 * (40 - length) + 7 * length
    assert largest == body / (body + 4 * 36)
    ((upper, _),) = cut(label_map, "upper-body")
    np.testing.assert_array_equal(upper, np.isin(label_map, LIP.ids(("coat", "left-arm"))))


@pytest.mark.parametrize("length", [17, 24, 31, 36])
def test_a_neck_longer_than_its_reach_is_not_filled(length: int) -> None:
    """Up to 31 rows some pixels are within 16 of both, but touch neither."""
    label_map = neck_map(length)
    ((mask, largest),) = cut(label_map, "upper-body-with-head")
    np.testing.assert_array_equal(mask, np.isin(label_map, LIP.ids(("coat", "face"))))
    assert largest < 1


def test_a_neck_keeps_off_other_labels() -> None:
    label_map = neck_map(5, ("right-leg", 29, 20, 31, 25))
    ((mask, _),) = cut(label_map, "upper-body-with-head")
    assert int(mask[20:25].sum()) == 5 * (7 - 2)
    assert not mask[20:25, 29:31].any()


def test_a_neck_hangs_from_the_largest_face_only() -> None:
    label_map = neck_map(5, ("face", 40, 10, 46, 20))
    ((mask, _),) = cut(label_map, "upper-body-with-head")
    assert mask[20:25, 27:34].all()
    assert not mask[20:25, 40:46].any()


def test_the_limits_of_the_face_belong_to_its_middle() -> None:
    """All 15 columns within 7 of the middle, also where the axis is slanted and rounding leaves a limit a hair out."""
    for torso in (("coat", 0, 2, 9, 12), ("coat", 13, 2, 22, 12)):
        label_map = draw_blocks(torso, ("face", 0, 0, 21, 1), ("left-leg", 0, 11, 22, 12), size=(22, 12))
        neck = oracle.find_necks(label_map, LIP)
        ((mask, _),) = cut(label_map, "upper-body-with-head")
        np.testing.assert_array_equal(mask & (label_map == 0), neck)


def test_a_face_two_pixels_wide_has_no_middle_for_a_neck_to_hang_from() -> None:
    label_map = np.kron(np.array([LIP.ids(("coat", "face", "hat"))], np.uint8), np.ones((2, 2), np.uint8))
    image = np.zeros((*label_map.shape, 3), np.uint8)
    assert_equals_oracle(label_map, image, ASDA26, FilterConfig(min_area=1))


def test_a_neck_between_others_is_no_part() -> None:
    """Face and coat are not in the class, so the neck between them leaves nothing that the class is composed of."""
    scheme = LabelScheme(
        "bearded",
        ("background", "face", "beard", "shirt", "coat"),
        NeckRule(face=("face", "beard"), torso=("shirt", "coat")),
    )
    taxonomy = Taxonomy("bearded", scheme, (PartClass("beard-and-shirt", ("beard", "shirt"), 0.5),))
    label_map = np.zeros((40, 40), np.uint8)
    label_map[0:10, 15:25] = 1
    label_map[15:30, 10:30] = 4
    label_map[0, 39] = 2
    label_map[39, 0] = 3
    assert cut(label_map, "beard-and-shirt", taxonomy) == []


@pytest.mark.parametrize(("width", "kept"), [(4, False), (5, True), (6, True)])
def test_islands_below_5_percent_are_dropped_and_counted(width: int, kept: bool) -> None:
    label_map = draw_blocks(("coat", 5, 5, 25, 25), ("coat", 40, 40, 44, 40 + width), *CORNERS)
    ((mask, largest),) = cut(label_map, "coat")
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
    assert len(cut(label_map, "head")) == taken


def test_labels_beside_the_largest_count_together() -> None:
    blocks: tuple[Block, ...] = (("hair", 0, 0, 19, 5), ("face", 0, 5, 3, 6), ("hat", 3, 5, 5, 6))
    assert len(cut(draw_blocks(*blocks), "head")) == 1
    assert cut(draw_blocks(*blocks[:2]), "head") == []


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
        assert len(cut(draw_blocks(*blocks), name)) == count


def test_a_required_label_must_not_be_an_island() -> None:
    far_shoe = draw_blocks(("left-leg", 5, 5, 15, 35), ("socks", 5, 35, 15, 45), ("left-shoe", 40, 70, 44, 73))
    assert cut(far_shoe, "left-leg-with-shoe") == []


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
