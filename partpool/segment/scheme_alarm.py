"""Does what the label maps show look like the scheme that they are read as?

The wrong scheme goes unnoticed everywhere else: CIHP and LIP share their values, and 10 is torso-skin in one and
jumpsuits in the other. So a build counts where each value lies on the body and how much of the person it covers, and
compares that with what its label leads to expect.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from partpool.segment.label_expectations import USUAL, Expectation, expectation
from partpool.segment.regions import NECK, Regions
from partpool.taxonomy.schemes import SCHEMES, LabelScheme

EDGES = (0.0, 0.01, 0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.5, 0.7, 1.0)
"""Bins of how much of a person a label covers."""
FEW = 4
"""Fewer people than this tell nothing."""
MOST = 0.75
"""Share of the people that must look wrong."""
MOST_SIDES = 0.65
"""Share of left and right limbs that must look swapped; some people show their face over their back."""
COMMON = 0.25
"""A label that fewer people show may be small: parsers strew specks of all labels."""
RARE = 0.1
"""A usual label that fewer people show is missing."""

Sighting = tuple[int, float, float, float]
"""A label on a person: value, share of the person's pixels, and the x and y of its centre."""


def sight(regions: Regions) -> list[Sighting]:
    """What one person's label map shows."""
    area: dict[int, int] = {}
    centre: dict[int, tuple[float, float]] = {}
    for label, count, (x0, y0, x1, y1) in zip(regions.labels, regions.areas, regions.boxes, strict=True):
        if label and label != NECK:
            x, y = centre.get(label, (0.0, 0.0))
            centre[label] = (x + count * (x0 + x1) / 2, y + count * (y0 + y1) / 2)
            area[label] = area.get(label, 0) + count
    total = sum(area.values())
    return [(label, count / total, centre[label][0] / count, centre[label][1] / count) for label, count in area.items()]


@dataclass
class Sightings:
    """Counts over many people, indexed by pixel value.

    Attributes:
        labels: Number of labels of the scheme.
        face: Pixel values of the face there; sides are only counted on people who show it.
        people: Number of people who show anything.
        share: int64 [labels, bins], people by how much of them the value covers.
        above: int64 [labels, labels], people on whom the first lies above the second.
        left: int64 [labels, labels], people with a face on whom the first lies further left in the picture.
    """

    labels: int
    face: frozenset[int] = frozenset()
    people: int = 0
    share: NDArray[np.int64] = field(init=False)
    above: NDArray[np.int64] = field(init=False)
    left: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.share = np.zeros((self.labels, len(EDGES) - 1), np.int64)
        self.above, self.left = np.zeros((2, self.labels, self.labels), np.int64)

    @classmethod
    def of(cls, scheme: LabelScheme) -> Sightings:
        """No people yet."""
        names = enumerate(scheme.labels)
        return cls(len(scheme.labels), frozenset(value for value, name in names if name in ("face", "face-neck")))

    def see(self, person: Sequence[Sighting]) -> None:
        """Count one more person."""
        if not person:
            return
        self.people += 1
        values = np.array([seen[0] for seen in person])
        share, x, y = np.array([seen[1:] for seen in person]).T
        self.share[values, np.searchsorted(EDGES, share, side="left").clip(1) - 1] += 1
        pairs = np.ix_(values, values)
        self.above[pairs] += y[:, None] < y
        if self.face & set(values.tolist()):
            self.left[pairs] += x[:, None] < x

    def see_all(self, people: NDArray[np.floating]) -> None:
        """Count more people: rows of a person's number and a sighting, [n, 5], people one after another."""
        for first, last in pairwise([0, *(np.flatnonzero(np.diff(people[:, 0])) + 1).tolist(), len(people)]):
            self.see([(int(value), share, x, y) for _, value, share, x, y in people[first:last].tolist()])

    def seen(self) -> NDArray[np.int64]:
        """Number of people by value."""
        return self.share.sum(axis=1)


def alarm(sightings: Sightings, scheme: LabelScheme) -> str | None:
    """One sentence if the label maps do not look like the scheme, with the scheme that they look like; else None."""
    signs = list(_signs(sightings, scheme))
    if not signs:
        swapped = _swapped_sides(sightings, scheme)
        return swapped and f"{swapped}: are left and right swapped, as in labels of mirrored images?"
    more = f" (and {len(signs) - 1} more signs)" if len(signs) > 1 else ""
    fits = [other for other in SCHEMES.values() if other != scheme and _fits(sightings, other)]
    # All schemes that fit show the same labels: the smallest leaves the fewest unseen.
    best = min(fits, key=lambda other: len(other.labels), default=None)
    guess = f"are these {best.name} maps?" if best else f"is {scheme.name} their scheme?"
    return f"{signs[0]}{more}: {guess}"


def _fits(sightings: Sightings, scheme: LabelScheme) -> bool:
    seen = np.flatnonzero(sightings.seen())
    return len(seen) > 0 and seen[-1] < len(scheme.labels) and not any(_signs(sightings, scheme))


def _signs(sightings: Sightings, scheme: LabelScheme) -> Iterator[str]:
    """What looks wrong, the plainest first."""
    seen = sightings.seen()
    named = ((value, expectation(name)) for value, name in enumerate(scheme.labels[: len(seen)]))
    known = [(value, expected) for value, expected in named if expected is not None]
    for value, expected in known:
        if seen[value] >= FEW:
            yield from _wrong_size(sightings, value, scheme.labels[value], expected)
    for value, expected in known:
        for other, below in known:
            if below.height - expected.height >= 1:
                yield from _wrong_order(sightings, scheme, value, other)
    for name, beside in USUAL.items():
        if {name, beside} <= set(scheme.labels[: len(seen)]):
            yield from _missing_beside(sightings, scheme, scheme.labels.index(name), scheme.labels.index(beside))


def _wrong_size(sightings: Sightings, value: int, name: str, expected: Expectation) -> Iterator[str]:
    share, total = sightings.share[value], int(sightings.share[value].sum())
    small = int(share[: EDGES.index(expected.least)].sum())
    large = int(share[EDGES.index(expected.most) :].sum())
    for wrong, what, usual in (
        (
            small if total >= COMMON * sightings.people else 0,
            "a small patch",
            f"usually it covers more than {expected.least:.0%} of a person",
        ),
        (large, "a large area", f"usually it covers less than {expected.most:.0%} of a person"),
    ):
        if wrong > MOST * total:
            yield f"{value} = {name} appears as {what} on {wrong / total:.0%} of the people who show it ({usual})"


def _wrong_order(sightings: Sightings, scheme: LabelScheme, upper: int, lower: int) -> Iterator[str]:
    right, wrong = int(sightings.above[upper, lower]), int(sightings.above[lower, upper])
    if right + wrong >= FEW and wrong > MOST * (right + wrong):
        yield (
            f"{upper} = {scheme.labels[upper]} lies below {lower} = {scheme.labels[lower]} "
            f"on {wrong / (right + wrong):.0%} of the people who show both"
        )


def _missing_beside(sightings: Sightings, scheme: LabelScheme, value: int, beside: int) -> Iterator[str]:
    name, expected = scheme.labels[value], expectation(scheme.labels[value])
    most = EDGES.index(expected.most) if expected else len(EDGES)
    people, plausible = int(sightings.share[beside].sum()), int(sightings.share[value, :most].sum())
    if people > FEW and plausible < RARE * people:
        yield (
            f"{value} = {name} appears on {plausible} of {people} people who show {beside} = {scheme.labels[beside]}, "
            "where it is usual"
        )


def _swapped_sides(sightings: Sightings, scheme: LabelScheme) -> str | None:
    """Someone whose face is seen has the left arm on the picture's right."""
    right = wrong = 0
    for value, name in enumerate(scheme.labels):
        other = name.replace("left-", "right-", 1)
        if name.startswith("left-") and other in scheme.labels:
            partner = scheme.labels.index(other)
            right += int(sightings.left[partner, value])
            wrong += int(sightings.left[value, partner])
    if right + wrong < FEW or wrong <= MOST_SIDES * (right + wrong):
        return None
    share = wrong / (right + wrong)
    return f"left limbs lie on the picture's left in {share:.0%} of the pairs on people who show their face"
