"""What is usual of labels is said of labels that exist."""

from __future__ import annotations

import pytest

from partpool.segment.label_expectations import EXPECTED, USUAL, expectation
from partpool.segment.scheme_alarm import EDGES
from partpool.taxonomy.builtin import other_side
from partpool.taxonomy.schemes import SCHEMES

LABELS = sorted({label for scheme in SCHEMES.values() for label in scheme.labels[1:]})


def test_expectations_are_of_known_labels_and_edges() -> None:
    assert set(EXPECTED) | {*USUAL, *USUAL.values()} <= {label.removesuffix("-1") for label in LABELS}
    for expected in EXPECTED.values():
        assert expected.least in EDGES
        assert expected.most in EDGES
        assert expected.least < expected.most


@pytest.mark.parametrize("label", LABELS)
def test_both_sides_and_both_surfaces_are_alike(label: str) -> None:
    assert expectation(label) == expectation(other_side(label) or label)
    assert expectation(label.replace("-1", "-2")) == expectation(label)


def test_only_what_lies_anywhere_is_left_out() -> None:
    assert {label for label in LABELS if expectation(label) is None} == {
        "apparel", "bag", "lower-arms", "upper-arms",
    }  # fmt: skip
