"""The wrong-scheme alarm: it sounds on every mix-up, and on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from partpool.segment.regions import find_regions
from partpool.segment.scheme_alarm import Sightings, alarm, sight
from partpool.synthetic.people import VIEWS, View, draw_label_map
from partpool.taxonomy.builtin import other_side
from partpool.taxonomy.schemes import ATR, CIHP, LIP, SCHEMES, LabelScheme

PEOPLE = 25

Maps = tuple[NDArray[np.uint8], ...]


@cache
def drawn(scheme: str, people: int = PEOPLE, views: tuple[View, ...] = VIEWS) -> Maps:
    return tuple(
        draw_label_map(np.random.default_rng((5, n)), views[n % len(views)], SCHEMES[scheme]) for n in range(people)
    )


def sightings(maps: Iterable[NDArray[np.uint8]], scheme: LabelScheme) -> Sightings:
    seen = Sightings.of(scheme)
    for labels in maps:
        regions = find_regions(labels)
        seen.see(sight(regions) if regions else [])
    return seen


def heard(maps: Iterable[NDArray[np.uint8]], scheme: LabelScheme) -> str | None:
    return alarm(sightings(maps, scheme), scheme)


def swapped(maps: Iterable[NDArray[np.uint8]], scheme: LabelScheme) -> Maps:
    table = np.arange(256, dtype=np.uint8)
    for value, name in enumerate(scheme.labels):
        partner = other_side(name)
        if partner in scheme.labels:
            table[value] = scheme.labels.index(partner)
    return tuple(table[labels] for labels in maps)


@cache
def read(folder: Path) -> Maps:
    return tuple(np.asarray(Image.open(path)) for path in sorted(folder.iterdir()))


@pytest.mark.parametrize("views", [VIEWS, ("whole",), ("portrait",), ("legs",)], ids=["all", *sorted({*VIEWS})])
@pytest.mark.parametrize("name", SCHEMES)
def test_silence_where_the_scheme_is_right(name: str, views: tuple[View, ...]) -> None:
    assert heard(drawn(name, PEOPLE, views), SCHEMES[name]) is None


@pytest.mark.parametrize("people", [0, 1, 3])
def test_silence_where_nothing_can_be_told(people: int) -> None:
    for name in SCHEMES:
        for other in SCHEMES.values():
            if max((int(labels.max()) for labels in drawn(name, people)), default=0) < len(other.labels):
                assert heard(drawn(name, people), other) is None
    assert heard([np.zeros((4, 4), np.uint8)] * 50, LIP) is None


@pytest.mark.parametrize(
    ("maps", "read_as", "said"),
    [
        ("lip", "cihp", "10 = torso-skin appears"),
        ("cihp", "lip", "10 = jumpsuits appears as a small patch on 100% of the people who show it"),
        ("atr", "lip", "4 = sunglasses appears as a large area"),
        ("atr", "cihp", "4 = sunglasses appears as a large area"),
        ("pascal-person-part-schp", "pascal-person-part-m2fp", "2 = head lies below 3 = upper-legs"),
        ("pascal-person-part-m2fp", "pascal-person-part-schp", "1 = head lies below 2 = torso"),
        ("sapiens-28", "sapiens2-29", ""),
        ("sapiens2-29", "sapiens-28", "23 = lower-lip appears as a large area"),
        ("densepose-14", "densepose-24", ""),
        ("densepose-14", "lip", ""),
        ("pascal-person-part-schp", "lip", ""),
    ],
)
def test_a_mix_up_is_heard_and_named(maps: str, read_as: str, said: str) -> None:
    message = heard(drawn(maps), SCHEMES[read_as])
    assert message is not None
    assert said in message
    assert message.endswith(f": are these {maps} maps?")
    assert "\n" not in message


@pytest.mark.parametrize("name", ["lip", "cihp", "atr", "sapiens-28", "sapiens2-29"])
def test_swapped_sides_are_heard(name: str) -> None:
    message = heard(swapped(drawn(name), SCHEMES[name]), SCHEMES[name])
    assert message is not None
    assert "are left and right swapped" in message


def test_people_of_a_unit_are_seen_one_by_one() -> None:
    maps = drawn("lip")
    whole, at_once = sightings(maps, LIP), Sightings.of(LIP)
    people = [sight(regions) for regions in map(find_regions, maps) if regions]
    for first in range(0, len(people), 7):
        rows = [(number, *seen) for number, person in enumerate(people[first : first + 7]) for seen in person]
        at_once.see_all(np.array(rows, np.float32).reshape(-1, 5))
    at_once.see_all(np.zeros((0, 5), np.float32))
    assert at_once.people == whole.people == len(maps)
    for name in ("share", "above", "left"):
        np.testing.assert_array_equal(getattr(at_once, name), getattr(whole, name))
    assert whole.seen().tolist() == [0] + [sum((labels == value).any() for labels in maps) for value in range(1, 20)]


def test_a_sighting_is_share_and_centre() -> None:
    labels = np.zeros((40, 60), np.uint8)
    labels[0:10, 0:10] = 13
    labels[20:40, 30:50] = 5
    labels[20:40, 55:60] = 5
    regions = find_regions(labels)
    assert regions is not None
    seen = {value: rest for value, *rest in sight(regions)}
    assert seen[13] == pytest.approx([100 / 600, 5, 5])
    assert seen[5] == pytest.approx([500 / 600, (400 * 40 + 100 * 57.5) / 500, 30])


@pytest.mark.parametrize("size", [20, 100, 800])
def test_no_false_alarm_on_real_photographs(shared_data: Path, size: int) -> None:
    maps = read(shared_data / "lip-scheme-photos" / "train_segmentations")
    for first in range(0, len(maps), size):
        assert heard(maps[first : first + size], LIP) is None


def test_no_false_alarm_on_real_lip_and_cihp(shared_data: Path) -> None:
    for split in ("train", "val"):
        assert heard(read(shared_data / "lip" / f"{split}_segmentations"), LIP) is None
    assert heard(read(shared_data / "cihp" / "Category_ids"), CIHP) is None


@pytest.mark.parametrize(
    ("change", "scheme", "said"),
    [
        (lambda maps: maps, CIHP, "are these lip maps?"),
        (lambda maps: tuple(labels for labels in maps if labels.max() < 18), ATR, "are these lip maps?"),
        (lambda maps: swapped(maps, LIP), LIP, "are left and right swapped"),
    ],
    ids=["as cihp", "as atr", "swapped"],
)
def test_real_photographs_read_wrongly(
    shared_data: Path, change: Callable[[Maps], Maps], scheme: LabelScheme, said: str
) -> None:
    message = heard(change(read(shared_data / "lip-scheme-photos" / "train_segmentations")), scheme)
    assert message is not None
    assert said in message


def test_real_cihp_read_as_lip(shared_data: Path) -> None:
    message = heard(read(shared_data / "cihp" / "Category_ids"), LIP)
    assert message is not None
    assert message.startswith("10 = jumpsuits appears as a small patch")
    assert message.endswith("are these cihp maps?")
