"""Shapes over each other, painted and labelled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partpool import LIP
from partpool.synthetic.figure import Canvas, Figure

COORDINATES = st.tuples(st.integers(20, 80), st.integers(20, 80)).map(lambda point: np.array(point, float))


@settings(max_examples=60, deadline=None)
@given(start=COORDINATES, end=COORDINATES, radius=st.integers(2, 12), end_radius=st.integers(2, 12))
def test_a_limb_is_what_lies_within_its_radius(
    start: np.ndarray, end: np.ndarray, radius: int, end_radius: int
) -> None:
    canvas = Canvas((100, 100))
    canvas.limb(7, start, end, radius, end_radius)
    rows, columns = np.mgrid[0:100, 0:100]
    points = np.stack([columns, rows], axis=-1)
    length = float(np.hypot(*(end - start)))
    along = np.clip((points - start) @ (end - start) / max(length, 1e-9) ** 2, 0, 1) if length else np.zeros((100, 100))
    away = np.hypot(*np.moveaxis(points - (start + along[..., None] * (end - start)), -1, 0))
    drawn = canvas.numbers == 7
    assert set(np.unique(canvas.numbers)) == {0, 7}
    assert drawn[away <= min(radius, end_radius) - 1.5].all()
    assert not drawn[away > max(radius, end_radius) + 1.5].any()


@given(rx=st.floats(6, 20), ry=st.floats(6, 20))
def test_an_ellipse_has_the_area_of_its_radii(rx: float, ry: float) -> None:
    canvas = Canvas((80, 60))
    canvas.ellipse(1, np.array([40.0, 30.0]), rx, ry)
    assert np.count_nonzero(canvas.numbers) == pytest.approx(math.pi * (rx + 0.5) * (ry + 0.5), rel=0.25)
    assert canvas.numbers.shape == (60, 80)


def test_later_shapes_lie_over_earlier_ones_in_picture_and_labels() -> None:
    figure = Figure((40, 30), np.random.default_rng(0))
    centre, red, blue = np.array([20.0, 15.0]), np.array([220.0, 20, 20]), np.array([20.0, 20, 220])
    coat, hat = figure.material("coat", red), figure.material("hat", blue)
    figure.ellipse(coat, centre, 14, 14)
    figure.ellipse(hat, centre, 5, 5)
    labels = figure.label_map(np.zeros((30, 40), np.uint8), LIP, from_front=True)
    assert labels[15, 20] == LIP.labels.index("hat")
    assert labels[15, 10] == LIP.labels.index("coat")
    assert labels[1, 1] == 0
    picture = figure.paint()
    assert picture.shape == (30, 40, 3)
    assert picture[15, 20, 2] > 2 * picture[15, 20, 0]
    assert picture[15, 10, 0] > 2 * picture[15, 10, 2]
