"""What a data set consists of: items, each one person in one picture."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from partpool.errors import ConfigError
from partpool.sources.files import SourceFile
from partpool.taxonomy.schemes import LabelScheme


@dataclass(frozen=True, slots=True)
class Item:
    """One person to cut.

    Attributes:
        name: POSIX path of the image below the root, NFC; ``#`` and the person follow where there are several.
        image: The photograph, or None if it is missing.
        labels: Its label map, or None if it is missing.
        problem: Why the item cannot be used, if that is known without reading it.
        reason: Short code of that problem.
        masks: Instead of a label map: pixel value and mask file of each of its labels.
        persons: Map of the picture's persons, if the label map shows several.
        person: Pixel value of this person there.
        keypoints: float32 [16, 3], x y visible in pixels of the picture (pixel centres at +0.5), MPII order, NaN is
            unknown; None if nothing is known.
    """

    name: str
    image: SourceFile | None
    labels: SourceFile | None
    problem: str | None = None
    reason: str = "ambiguous"
    masks: tuple[tuple[int, SourceFile], ...] = ()
    persons: SourceFile | None = None
    person: int | None = None
    keypoints: NDArray[np.float32] | None = field(default=None, compare=False)

    def files(self) -> Iterator[SourceFile]:
        """Every file that it is read from."""
        masks = (file for _, file in self.masks)
        yield from (file for file in (self.image, self.labels, *masks, self.persons) if file is not None)


@dataclass(frozen=True)
class Source(Sequence[Item]):
    """The items of a data set, sorted by name, and what is known of it.

    Attributes:
        items: The items.
        scheme: What the pixel values of its label maps mean.
        kind: ``"lip"``, ``"cihp"``, ``"pairs"`` or ``"masks"``.
        split: Which split was taken; empty if the data set has none.
        license_note: Terms that parts cut from it carry along.
        notes: What a user should know: files without a list entry, counts against the known ones.
        part: Number of this shard, from 1, and of how many; None is the whole.
    """

    items: tuple[Item, ...]
    scheme: LabelScheme
    kind: str
    split: str = ""
    license_note: str = ""
    notes: tuple[str, ...] = field(default=())
    part: tuple[int, int] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Item, ...]: ...
    def __getitem__(self, index: int | slice) -> Item | tuple[Item, ...]:
        return self.items[index]

    def limit(self, count: int) -> Source:
        """The same source with only its first ``count`` items."""
        return replace(self, items=self.items[:count])

    def shard(self, number: int, of: int) -> Source:
        """Shard ``number`` (from 1) ``of`` several: neighbouring items, shares as equal as can be.

        Raises:
            ConfigError: If there is no such shard.
        """
        if not 1 <= number <= of:
            raise ConfigError(f"shards are numbered from 1 to their count, but got {number}/{of}")
        first, last = (len(self) * edge // of for edge in (number - 1, number))
        return replace(self, items=self.items[first:last], part=(number, of))


def ordered(items: Iterable[Item]) -> tuple[Item, ...]:
    """Items sorted by name."""
    return tuple(sorted(items, key=lambda item: item.name))


def normal_name(name: str) -> str:
    """A file name as it is spelt in pools: NFC, and UTF-8 also if it is none."""
    return unicodedata.normalize("NFC", name).encode("utf-8", "backslashreplace").decode("utf-8")
