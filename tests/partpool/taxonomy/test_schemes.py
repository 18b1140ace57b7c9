"""Label schemes: the published pixel values, and what is no scheme."""

from __future__ import annotations

import pytest

from partpool.taxonomy.schemes import SCHEMES, builtin_scheme

COUNTS = {
    "lip": 20, "cihp": 20, "atr": 18, "pascal-person-part-schp": 7, "pascal-person-part-m2fp": 7, "sapiens-28": 28,
    "sapiens2-29": 29, "densepose-14": 15, "densepose-24": 25,
}  # fmt: skip


@pytest.mark.parametrize(
    ("scheme", "values"),
    [
        ("lip", {10: "jumpsuits", 13: "face", 14: "left-arm"}),
        ("cihp", {10: "torso-skin", 13: "face", 14: "left-arm"}),
        ("atr", {4: "upper-clothes", 9: "left-shoe", 11: "face", 14: "left-arm", 17: "scarf"}),
        ("pascal-person-part-schp", {1: "head", 2: "torso", 3: "upper-arms", 6: "lower-legs"}),
        ("pascal-person-part-m2fp", {1: "lower-arms", 2: "head", 3: "upper-legs", 4: "torso", 6: "upper-arms"}),
        ("sapiens-28", {2: "face-neck", 12: "lower-clothing", 21: "torso", 27: "tongue"}),
        ("sapiens2-29", {2: "eyeglass", 3: "face-neck", 13: "lower-clothing", 22: "torso", 28: "tongue"}),
        ("densepose-14", {1: "torso", 2: "right-hand", 9: "left-lower-leg", 14: "head"}),
        ("densepose-24", {2: "torso-2", 10: "left-upper-leg-2", 22: "right-lower-arm-2", 24: "head-2"}),
    ],
)
def test_pixel_values_are_the_published_ones(scheme: str, values: dict[int, str]) -> None:
    labels = SCHEMES[scheme].labels
    assert len(labels) == COUNTS[scheme]
    assert {value: labels[value] for value in values} == values


def test_no_such_scheme() -> None:
    with pytest.raises(ValueError, match="there is no scheme 'lipp'; there are: lip, cihp, atr"):
        builtin_scheme("lipp")
