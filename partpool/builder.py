"""Items → pool file."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from partpool.asda26 import ASDA26
from partpool.codec import codec_id
from partpool.cutting import CutItem, Cutter, Recipe
from partpool.defaults import default_taxonomy
from partpool.engine import engine_for
from partpool.errors import BuildStoppedError, ConfigError, ItemError, OutputError
from partpool.filters import FilterConfig
from partpool.layout import KEYPOINTS, PATCH_COLUMNS
from partpool.sources import Item, Source
from partpool.spool import Counts, write_unit
from partpool.taxonomy import Taxonomy
from partpool.writer import Header, pack, source_date_epoch

UNIT = 16
"""Items in a work unit."""
ROW_BYTES = 8 + sum(column.dtype.itemsize * math.prod(column.shape) for column in PATCH_COLUMNS if column.required)
"""Bytes of a patch's columns in a pool ..."""
KEYPOINT_BYTES = 4 * 3 * KEYPOINTS
"""... and of its keypoints."""


@dataclass(frozen=True, slots=True)
class FailedItem:
    """An item that could not be used: its name, a reason code, and a sentence."""

    name: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: items done, of how many, parts kept and items failed so far."""

    done: int
    total: int
    parts: int
    failed: int


@dataclass
class BuildReport:
    """What a build did.

    Attributes:
        out: The pool file; None for a dry run.
        items: Number of items.
        parts: Number of parts kept.
        failed: The items that could not be used.
        counts: By class name, the number of segments by outcome: ``"kept"``, ``"islands"`` or a rejection reason.
        pool_bytes: Size of the pool file; for a dry run an estimate.
        seconds: How long it took.
    """

    out: Path | None
    items: int
    parts: int = 0
    failed: list[FailedItem] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    pool_bytes: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {
            "out": None if self.out is None else str(self.out),
            "items": self.items,
            "parts": self.parts,
            "failed": [{"name": item.name, "reason": item.reason, "message": item.message} for item in self.failed],
            "counts": self.counts,
            "pool_bytes": self.pool_bytes,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True, slots=True)
class _Unit:
    number: int
    items: tuple[Item, ...]


@dataclass(slots=True)
class _UnitResult:
    items: int
    parts: int
    blob_bytes: int
    failed: list[FailedItem]
    counts: Counts


def build(
    items: Sequence[Item],
    out: str | os.PathLike[str] | None,
    *,
    taxonomy: Taxonomy | None = None,
    filters: FilterConfig | None = None,
    codec: str = "jpeg",
    max_side: int = 320,
    workers: int = 0,
    overwrite: bool = False,
    max_errors: int | None = None,
    on_progress: Callable[[BuildProgress], None] | None = None,
) -> BuildReport:
    """Cut all items and write one pool file; the same bytes for any number of workers.

    With workers, the calling script needs the usual ``if __name__ == "__main__":`` guard, because they are spawned.

    Args:
        items: What :func:`~partpool.sources.find_lip` or :func:`~partpool.sources.find_pairs` found.
        out: The pool file; None only counts (a dry run).
        taxonomy: The part classes; None takes the default ones of the items' scheme, ``ASDA26`` for LIP.
        filters: The filter thresholds; None takes the defaults.
        codec: ``"jpeg"``, ``"png"``, ``"zstd"`` or ``"raw"``.
        max_side: Longest side of a stored patch in pixels.
        workers: Number of worker processes; 0 works in this one.
        overwrite: Whether an existing file may be replaced.
        max_errors: Give up after more failed items than this; None never gives up.
        on_progress: Called after every work unit.

    Raises:
        ConfigError: If an option is wrong, or the taxonomy is over another scheme than the items.
        OutputError: If the output exists or cannot be written. Nothing is left behind.
        BuildStoppedError: If there were too many failed items, or a worker died. Nothing is left behind.
    """
    if taxonomy is None:
        taxonomy = default_taxonomy(items.scheme) if isinstance(items, Source) else ASDA26
    recipe = Recipe(taxonomy, filters or FilterConfig(), codec, max_side)
    if isinstance(items, Source) and items.scheme != taxonomy.scheme:
        raise ConfigError(
            f"taxonomy {taxonomy.name!r} is over scheme {taxonomy.scheme.name!r}, "
            f"but the items are {items.scheme.name!r}"
        )
    if workers < 0:
        raise ConfigError(f"workers must not be negative, but got {workers}")
    began = time.monotonic()
    source_date_epoch()
    path = None if out is None else _checked_output(Path(out), overwrite)
    report = BuildReport(path, len(items))
    spool = None if path is None else _spool(path)
    try:
        totals = _cut_all(recipe, items, spool, workers, max_errors, report, on_progress)
        if path is None or spool is None:
            report.parts = totals.parts
            keypoints = KEYPOINT_BYTES if any(item.keypoints is not None for item in items) else 0
            report.pool_bytes = totals.blob_bytes + totals.parts * (ROW_BYTES + keypoints)
            counts = totals.counts
        else:
            try:
                packed = pack(spool, _unit_count(items), path, _header(recipe, items, report.failed), overwrite)
                report.pool_bytes = path.stat().st_size
            except FileExistsError:
                raise OutputError(f"{path} appeared during the build; it was not replaced") from None
            except (OSError, RuntimeError) as error:
                raise OutputError(f"{path} cannot be written: {_reason(error)}") from None
            report.parts, counts = packed.parts, packed.counts
    finally:
        if spool is not None:
            shutil.rmtree(spool, ignore_errors=True)
    report.counts = {
        name: {outcome: count for (owner, outcome), count in sorted(counts.items()) if owner == class_id and count}
        for class_id, name in enumerate(taxonomy.names)
    }
    report.seconds = time.monotonic() - began
    return report


def _checked_output(path: Path, overwrite: bool) -> Path:
    try:
        if path.is_dir():
            raise OutputError(f"{path} is a folder; --out takes the name of a file")
        if path.exists() and not path.is_file():
            raise OutputError(f"{path} is not a regular file, and will not be replaced")
        if (path.exists() or path.is_symlink()) and not overwrite:
            raise OutputError(f"{path} exists; pass --overwrite to replace it")
        if not path.parent.is_dir():
            raise OutputError(f"there is no folder {path.parent} to write {path.name} into")
    except OutputError:
        raise
    except OSError as error:
        raise OutputError(f"{path} cannot be written: {error.strerror}") from None
    return path


def _spool(path: Path) -> Path:
    try:
        return Path(tempfile.mkdtemp(prefix=f".{path.name}.spool-", dir=path.parent))
    except OSError as error:
        raise OutputError(f"{path.parent} cannot be written to: {error.strerror}") from None


def _reason(error: BaseException) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error)


def _header(recipe: Recipe, items: Sequence[Item], failed: Sequence[FailedItem]) -> Header:
    source: dict[str, Any] = {"kind": "items", "split": "", "license": "", "n_items": len(items)}
    if isinstance(items, Source):
        source |= {"kind": items.kind, "split": items.split, "license": items.license_note}
    errors = Counter(item.reason for item in failed)
    return Header(recipe.taxonomy, recipe.config(), source, dict(errors))


def _unit_count(items: Sequence[Item]) -> int:
    return -(-len(items) // UNIT)


def _units(items: Sequence[Item]) -> Iterator[_Unit]:
    for number in range(_unit_count(items)):
        yield _Unit(number, tuple(items[number * UNIT : (number + 1) * UNIT]))


def _cut_all(
    recipe: Recipe,
    items: Sequence[Item],
    spool: Path | None,
    workers: int,
    max_errors: int | None,
    report: BuildReport,
    on_progress: Callable[[BuildProgress], None] | None,
) -> _UnitResult:
    """Run all units and add up what they did."""
    totals = _UnitResult(0, 0, 0, report.failed, Counter())
    # A pool of processes takes longer to start than a few units take.
    engine = engine_for(workers if len(items) > UNIT else 0)
    results = engine.run(partial(_cut_unit, recipe, spool), _units(items))
    try:
        for result in results:
            totals.items += result.items
            totals.parts += result.parts
            totals.blob_bytes += result.blob_bytes
            totals.failed += result.failed
            totals.counts.update(result.counts)
            if max_errors is not None and len(totals.failed) > max_errors:
                raise BuildStoppedError(_too_many(totals.failed, max_errors))
            if on_progress:
                on_progress(BuildProgress(totals.items, len(items), totals.parts, len(totals.failed)))
    finally:
        results.close()  # type: ignore[attr-defined]  # a generator: ends the workers before the spool goes
    return totals


def _too_many(failed: Sequence[FailedItem], max_errors: int) -> str:
    last = failed[max_errors]
    allowed = f"{max_errors} failed items are allowed" if max_errors else "no failed item is allowed"
    return f"{last.name}: {last.message}. Stopped, because {allowed}; no pool was written"


def _cut_unit(recipe: Recipe, spool: Path | None, unit: _Unit) -> _UnitResult:
    cutter = Cutter(recipe)
    cut: list[CutItem] = []
    failed: list[FailedItem] = []
    for item in unit.items:
        try:
            cut.append(cutter(item))
        except ItemError as error:
            failed.append(FailedItem(item.name, error.reason, str(error)))
    if spool is not None:
        try:
            write_unit(spool, unit.number, cut, codec_id(recipe.codec))
        except OSError as error:
            raise OutputError(f"{spool.parent} cannot be written to: {_reason(error)}") from None
    parts = [part for item in cut for part in item.parts]
    counts: Counts = Counter()
    for each in cut:
        counts.update(each.counts)
    return _UnitResult(len(unit.items), len(parts), sum(len(part.data) for part in parts), failed, counts)
