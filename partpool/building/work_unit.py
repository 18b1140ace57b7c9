"""A work unit: some neighbouring items, cut in one go by whichever worker takes it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from partpool.building.fingerprint import FileStats, file_stats, versions
from partpool.building.output_file import os_reason
from partpool.building.spool import is_spool_of
from partpool.building.unit_files import FailedItem, Summary, UnitFiles, encode_unit, put_unit
from partpool.cutting.cutter import CutItem, Cutter, Recipe
from partpool.cutting.rejects import Reject
from partpool.errors import ConfigError, ItemError, OutputError
from partpool.pool.codec import codec_id
from partpool.pool.outcomes import Counts
from partpool.segment.scheme_alarm import Sightings
from partpool.sources import Item

UNIT = 16
"""Items in a work unit."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Some items, and what their files were like when the build began."""

    number: int
    items: tuple[Item, ...]
    stats: tuple[FileStats, ...]

    def __str__(self) -> str:
        return f"{self.items[0].name} … {self.items[-1].name}"


@dataclass(frozen=True, slots=True)
class FinishedUnit:
    """A unit that has been cut.

    Attributes:
        number: Number of the unit.
        summary: What it holds.
        files: Its files, if the worker could not put them into the spool itself.
        rejects: The rejected segments, if they were asked for.
    """

    number: int
    summary: Summary
    files: UnitFiles | None = None
    rejects: tuple[Reject, ...] = ()


def unit_count(items: Sequence[Item]) -> int:
    """Number of units that items are divided into."""
    return -(-len(items) // UNIT)


def units(items: Sequence[Item], stats: Sequence[FileStats], numbers: Iterable[int]) -> Iterator[Unit]:
    """The units of those numbers."""
    for number in numbers:
        part = slice(number * UNIT, (number + 1) * UNIT)
        yield Unit(number, tuple(_with_absolute_paths(item) for item in items[part]), tuple(stats[part]))


def _with_absolute_paths(item: Item) -> Item:
    """An item whose files are found from any working directory."""
    image, labels, persons = (file and file.absolute() for file in (item.image, item.labels, item.persons))
    masks = tuple((value, file.absolute()) for value, file in item.masks)
    return replace(item, image=image, labels=labels, persons=persons, masks=masks)


@dataclass(frozen=True)
class UnitCutter:
    """Cuts units, here or on another machine.

    Attributes:
        recipe: How.
        spool: Folder for their files; None leaves them away (a dry run).
        token: Of the spool. Where the folder is not that spool, because the machine shares none with the driver or
            because the driver has died, the files are handed back instead of written.
        keep_rejects: Whether rejected segments are described, too.
        versions: What the driver has installed; the bytes depend on it.
    """

    recipe: Recipe
    spool: Path | None = None
    token: str = ""
    keep_rejects: bool = False
    versions: dict[str, str] = field(default_factory=versions)

    def __call__(self, unit: Unit) -> FinishedUnit:
        """Cut a unit.

        Raises:
            ConfigError: If other versions are installed here.
            OutputError: If the spool cannot be written.
        """
        if versions() != self.versions:
            raise ConfigError(f"a worker has other versions than this machine: {versions()}, not {self.versions}")
        cutter = Cutter(self.recipe, keep_rejects=self.keep_rejects)
        cut_items: list[CutItem] = []
        failed: list[FailedItem] = []
        for item, stats in zip(unit.items, unit.stats, strict=True):
            try:
                result = cutter(item)
                if file_stats(item) != stats:
                    raise ItemError("changed", "its files were changed while the build was running")
                cut_items.append(result)
            except ItemError as error:
                failed.append(FailedItem(item.name, error.reason, str(error)))
        files, summary = encode_unit(unit.number, self.token, cut_items, failed, codec_id(self.recipe.codec))
        rejects = tuple(reject for item in cut_items for reject in item.rejects)
        if self.spool is None:
            return FinishedUnit(unit.number, summary, rejects=rejects)
        if not is_spool_of(self.spool, self.token):
            return FinishedUnit(unit.number, summary, files, rejects)
        try:
            put_unit(self.spool, files)
        except OSError as error:
            raise OutputError(f"{self.spool} cannot be written to: {os_reason(error)}") from None
        return FinishedUnit(unit.number, summary, rejects=rejects)


@dataclass
class Totals:
    """What all units did so far."""

    seen: Sightings
    items: int = 0
    parts: int = 0
    blob_bytes: int = 0
    failures: dict[int, list[FailedItem]] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counter)

    def add(self, number: int, summary: Summary) -> None:
        """Count a unit."""
        self.items += summary.items
        self.parts += summary.parts
        self.blob_bytes += summary.blob_bytes
        self.counts.update(summary.counts)
        self.seen.see_all(summary.seen)
        if summary.failed:
            self.failures[number] = summary.failed

    @property
    def failed(self) -> list[FailedItem]:
        """The failed items in the order of all items."""
        return [item for number in sorted(self.failures) for item in self.failures[number]]
