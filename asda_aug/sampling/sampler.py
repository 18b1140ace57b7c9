"""Which parts are pasted."""

from __future__ import annotations

import os
import warnings
from bisect import bisect_right
from collections.abc import Collection, Mapping
from itertools import accumulate
from operator import index as as_index
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError
from partpool.pool.reader import PartPool


@runtime_checkable
class ClassWeights(Protocol):
    """Class weights that change while training goes on."""

    def probabilities(self) -> NDArray[np.float64]:
        """The current weight of every class of the taxonomy, float64 [n_classes]."""
        ...


class PartSampler:
    """Draws parts: a class, then a part uniform within it (ASDA §3.1).

    Args:
        pool: The pool, or the path of its file.
        num_parts: Parts per sample; a collection is drawn from uniformly.
        classes: Names of the classes to draw from; None is all.
        class_weights: How often each class is drawn: weights by name (1 for those not named), or an object whose
            ``probabilities()`` are asked for at every draw. None is uniform.
        min_parts: Classes with fewer parts are left out, because the same few parts would come again and again.

    Attributes:
        num_parts: The possible numbers of parts, ascending.
        class_ids: The classes that are drawn from.

    Raises:
        ConfigError: If a name is wrong, a number is out of range, or no class is left.
    """

    def __init__(
        self,
        pool: PartPool | str | os.PathLike[str],
        num_parts: int | Collection[int] = 1,
        classes: Collection[str] | None = None,
        class_weights: Mapping[str, float] | ClassWeights | None = None,
        min_parts: int = 20,
    ) -> None:
        self.pool = pool = pool if isinstance(pool, PartPool) else PartPool(pool)
        self.num_parts = _numbers(num_parts)
        if isinstance(classes, str):
            raise ConfigError(f"classes must be a collection of names, but got the string {classes!r}")
        names = pool.taxonomy.names if classes is None else tuple(dict.fromkeys(classes))
        few = [name for name in names if pool.count(name) < max(1, min_parts)]
        self.class_ids = [pool.taxonomy.id(name) for name in names if name not in few]
        if not self.class_ids:
            counts = ", ".join(f"{name} {pool.count(name)}" for name in names)
            raise ConfigError(
                f"no class has the {max(1, min_parts)} parts that min_parts asks for (there are: {counts}); "
                "build a larger pool, or pass a smaller min_parts"
            )
        if few:
            warnings.warn(
                f"classes with fewer than {max(1, min_parts)} parts are left out: {', '.join(few)}", stacklevel=2
            )
        self._indices = {each: _ClassIndices(pool.indices(pool.taxonomy.names[each])) for each in self.class_ids}
        self._changing = class_weights if isinstance(class_weights, ClassWeights) else None
        self._edges = self._cumulative({} if self._changing else class_weights or {})

    def _cumulative(self, weights: Mapping[str, float] | ClassWeights) -> list[float]:
        if not isinstance(weights, Mapping):
            raise ConfigError(f"class_weights must be a mapping of names, but got {type(weights).__name__}")
        by_id = {self.pool.taxonomy.id(name): float(weight) for name, weight in weights.items()}
        if not all(weight >= 0 for weight in by_id.values()):
            raise ConfigError(f"class weights must not be negative, but got {dict(weights)}")
        unused = [name for name in weights if self.pool.taxonomy.id(name) not in self.class_ids]
        if unused:
            warnings.warn(f"class weights of classes that are not drawn from: {', '.join(unused)}", stacklevel=3)
        edges = list(accumulate(by_id.get(class_id, 1.0) for class_id in self.class_ids))
        if not 0 < edges[-1] < float("inf"):
            raise ConfigError(f"the class weights of the classes to draw from sum to {edges[-1]}: {dict(weights)}")
        return edges

    def draw(self, rng: np.random.Generator) -> list[int]:
        """Indices of the parts of one sample, in the order in which they are pasted."""
        numbers = self.num_parts
        number = numbers[0] if len(numbers) == 1 else numbers[int(rng.integers(len(numbers)))]
        edges = self._changed_edges(self._changing) if self._changing else self._edges
        last = len(self.class_ids) - 1
        drawn = []
        for _ in range(number):
            which, part = rng.random(2).tolist()
            class_id = self.class_ids[min(last, bisect_right(edges, which * edges[-1]))]
            drawn.append(self._indices[class_id].pick(part))
        return drawn

    def _changed_edges(self, weights: ClassWeights) -> list[float]:
        edges = list(accumulate(weights.probabilities()[self.class_ids].tolist()))
        return edges if edges[-1] > 0 else self._edges


class _ClassIndices:
    """A class's indices as stretches of consecutive numbers, one per pool file, so that 10⁶ parts need no list."""

    def __init__(self, indices: NDArray[np.int64]) -> None:
        breaks = np.flatnonzero(np.diff(indices) != 1) + 1
        self._firsts = indices[np.concatenate([[0], breaks])].tolist()
        self._edges = [0, *breaks.tolist(), len(indices)]

    def pick(self, share: float) -> int:
        """The index at a share in [0, 1) of the class."""
        place = int(share * self._edges[-1])
        stretch = bisect_right(self._edges, place) - 1
        return int(self._firsts[stretch] + place - self._edges[stretch])


def _numbers(num_parts: int | Collection[int]) -> list[int]:
    several = num_parts if isinstance(num_parts, (Collection, np.ndarray)) else [num_parts]
    try:
        numbers = sorted({as_index(number) for number in several})
    except TypeError:
        numbers = []
    if not numbers or numbers[0] < 0 or not 1 <= numbers[-1] <= 100:
        raise ConfigError(f"num_parts must be a number from 1 to 100, or a collection of such, but got {num_parts!r}")
    return numbers
