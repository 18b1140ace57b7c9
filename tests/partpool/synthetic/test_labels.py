"""Every scheme labels what a synthetic person wears, or the part of the body beneath."""

from __future__ import annotations

import numpy as np
import pytest

from partpool import LIP
from partpool.synthetic.labels import BODY, NECK, NOTHING, label_table
from partpool.taxonomy.schemes import SCHEMES

WORN = (NOTHING, NECK, *LIP.labels[1:])


def named(scheme: str, worn: str, body: str, from_front: bool = True) -> str:
    table = label_table(SCHEMES[scheme], WORN, from_front)
    return SCHEMES[scheme].labels[table[WORN.index(worn), BODY.index(body)]]


@pytest.mark.parametrize("from_front", [False, True])
@pytest.mark.parametrize("name", SCHEMES)
def test_every_pixel_has_a_label_and_background_stays(name: str, from_front: bool) -> None:
    table = label_table(SCHEMES[name], WORN, from_front)
    assert table.shape == (len(WORN), len(BODY))
    assert table.dtype == np.uint8
    assert table.max() < len(SCHEMES[name].labels)
    assert (table[WORN.index(NOTHING)] == 0).all()


def test_lip_labels_what_is_worn_and_no_neck() -> None:
    table = label_table(LIP, WORN, True)
    for worn, row in zip(WORN, table, strict=True):
        assert set(row.tolist()) == {0 if worn == NECK else LIP.labels.index(worn)}


@pytest.mark.parametrize(
    ("scheme", "worn", "body", "label"),
    [
        ("cihp", NECK, "torso", "torso-skin"),
        ("cihp", "jumpsuits", "torso", "dress"),
        ("atr", "coat", "torso", "upper-clothes"),
        ("atr", "socks", "left-foot", "left-leg"),
        ("atr", "glove", "right-hand", "right-arm"),
        ("sapiens-28", "left-arm", "left-upper-arm", "left-upper-arm"),
        ("sapiens-28", "left-arm", "left-hand", "left-hand"),
        ("sapiens-28", "sunglasses", "head", "apparel"),
        ("sapiens2-29", "sunglasses", "head", "eyeglass"),
        ("sapiens2-29", "socks", "right-foot", "right-sock"),
        ("pascal-person-part-schp", "coat", "left-hand", "lower-arms"),
        ("pascal-person-part-schp", "coat", "left-foot", "lower-legs"),
        ("pascal-person-part-m2fp", "pants", "right-upper-leg", "upper-legs"),
        ("densepose-14", "pants", "right-upper-leg", "right-upper-leg"),
        ("densepose-14", "left-shoe", "right-foot", "foot-2"),
    ],
)
def test_labels_of_what_is_worn_where(scheme: str, worn: str, body: str, label: str) -> None:
    assert named(scheme, worn, body) == label


def test_surfaces_tell_front_from_back() -> None:
    for body in ("torso", "head", "left-upper-arm"):
        front, back = (named("densepose-24", "coat", body, from_front) for from_front in (True, False))
        assert (front, back) == (f"{body}-2", f"{body}-1")
