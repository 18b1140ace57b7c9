"""Drawing a synthetic person: shapes of materials over each other, painted or labelled at the end."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.synthetic.labels import label_table
from partpool.taxonomy.schemes import LabelScheme

Point = NDArray[np.float64]


class Canvas:
    """Numbered shapes over each other.

    Args:
        size: Width and height in pixels.

    Attributes:
        numbers: uint8 [H, W].
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self.size = size
        self.numbers = np.zeros((size[1], size[0]), np.uint8)

    def limb(self, number: int, start: Point, end: Point, radius: float, end_radius: float) -> None:
        """A tapered capsule."""
        direction = (end - start) / max(1e-6, float(np.hypot(*(end - start))))
        across = np.array([-direction[1], direction[0]])
        self.polygon(
            number,
            [start + across * radius, end + across * end_radius, end - across * end_radius, start - across * radius],
        )
        self.ellipse(number, start, radius, radius)
        self.ellipse(number, end, end_radius, end_radius)

    def polygon(self, number: int, points: Sequence[Point]) -> None:
        """A filled polygon."""
        cv2.fillPoly(self.numbers, [np.rint(np.array(points)).astype(np.int32)], number)

    def ellipse(self, number: int, centre: Point, rx: float, ry: float, angle: float = 0.0) -> None:
        """A filled ellipse."""
        x, y = (round(float(value)) for value in centre)
        cv2.ellipse(self.numbers, (x, y), (max(1, round(rx)), max(1, round(ry))), angle, 0, 360, number, -1)


class Figure(Canvas):
    """Shapes of materials over each other, painted at the end."""

    def __init__(self, size: tuple[int, int], rng: np.random.Generator) -> None:
        super().__init__(size)
        self._labels = ["background"]
        self._looks = [_random_look(_background_colour(rng), rng)]
        self._rng = rng

    def material(self, label: str, colour: Point | None = None) -> int:
        """A new material of a LIP label or the neck: plain in a given colour, or any colour and pattern."""
        self._labels.append(label)
        if colour is None:
            self._looks.append(_random_look(self._rng.uniform(25, 235, 3), self._rng))
        else:
            self._looks.append((np.array(colour, np.float32), "plain", 1.0, 0.0))
        return len(self._labels) - 1

    def label_map(self, body: NDArray[np.uint8], scheme: LabelScheme, from_front: bool) -> NDArray[np.uint8]:
        """Index of every pixel in a scheme, given the part of the body that it is."""
        return label_table(scheme, self._labels, from_front)[self.numbers, body]

    def paint(self) -> NDArray[np.uint8]:
        """The picture: every material in its colour and pattern, lit from one side, slightly out of focus."""
        height, width = self.numbers.shape
        rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
        picture = np.empty((height, width, 3), np.float32)
        for number, (colour, pattern, period, depth) in enumerate(self._looks):
            here = self.numbers == number
            wave = {
                "plain": 0 * rows, "rows": np.sin(rows / period), "columns": np.sin(columns / period),
                "checks": np.sin(rows / period) * np.sin(columns / period),
            }[pattern]  # fmt: skip
            picture[here] = colour + (depth * wave[here])[:, None]
        light = self._rng.uniform(-0.25, 0.25, 2)
        picture *= (1 + light[0] * (columns / width - 0.5) + light[1] * (rows / height - 0.5))[..., None]
        grain = cv2.GaussianBlur(self._rng.normal(0, 1, (height, width)).astype(np.float32), (0, 0), 1.2)
        picture += (18 * grain)[..., None]
        return np.clip(cv2.GaussianBlur(picture, (3, 3), 0.6), 0, 255).astype(np.uint8)


def _random_look(colour: Point, rng: np.random.Generator) -> tuple[NDArray[np.float32], str, float, float]:
    pattern = ("plain", "plain", "rows", "columns", "checks")[rng.integers(5)]
    return np.array(colour, np.float32), pattern, float(rng.uniform(1.5, 6)), float(rng.uniform(10, 35))


def _background_colour(rng: np.random.Generator) -> NDArray[np.float64]:
    return rng.uniform(90, 230) + rng.uniform(-25, 25, 3)
