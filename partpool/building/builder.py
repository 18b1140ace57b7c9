"""Items → pool file."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partpool.building.disk_estimate import check_room_for_build
from partpool.building.engines import Engine, engine_for
from partpool.building.fingerprint import FileStats, fingerprint
from partpool.building.merger import SHARD
from partpool.building.output_file import checked_output, os_reason
from partpool.building.spool import Spool
from partpool.building.unit_files import Counts, FailedItem, counts_by_name
from partpool.building.work_unit import UNIT, CutUnit, Totals, unit_count, units
from partpool.cutting.cutter import Recipe
from partpool.cutting.rejects import RejectsFolder
from partpool.errors import BuildStoppedError, ConfigError, OutputError
from partpool.filters.config import FilterConfig
from partpool.pool.format import KEYPOINT_BYTES, ROW_BYTES
from partpool.pool.sorted_parts import SpoolRun
from partpool.pool.writer import Header, Packed, pack, source_date_epoch
from partpool.segment.scheme_alarm import Sightings, alarm
from partpool.sources import Item, Source
from partpool.taxonomy.asda26 import ASDA26
from partpool.taxonomy.builtin import default_taxonomy
from partpool.taxonomy.part_classes import Taxonomy


@dataclass(frozen=True, slots=True)
class BuildProgress:
    """How far a build is: items done, of how many, parts kept, items failed, and items resumed so far."""

    done: int
    total: int
    parts: int
    failed: int
    resumed: int = 0


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
        resumed: Number of items that an interrupted build had done already.
        warnings: What looks wrong, a sentence each: label maps that do not look like their scheme.
        seconds: How long it took.
    """

    out: Path | None
    items: int
    parts: int = 0
    failed: list[FailedItem] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    pool_bytes: int = 0
    resumed: int = 0
    warnings: list[str] = field(default_factory=list)
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
            "resumed": self.resumed,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
        }


def build(
    items: Sequence[Item],
    out: str | os.PathLike[str] | None,
    *,
    taxonomy: Taxonomy | None = None,
    filters: FilterConfig | None = None,
    codec: str = "jpeg",
    max_side: int = 320,
    workers: int = 0,
    scheduler: str | None = None,
    resume: bool = True,
    overwrite: bool = False,
    max_errors: int | None = None,
    save_rejects: str | os.PathLike[str] | None = None,
    on_progress: Callable[[BuildProgress], None] | None = None,
) -> BuildReport:
    """Cut all items and write one pool file; the same bytes for any number of workers, kills and resumes.

    Whatever ends a build early, the units it has finished stay in ``<out>.spool``, where the same call takes them up.
    With workers, the calling script needs the usual ``if __name__ == "__main__":`` guard, because they are spawned.

    Args:
        items: What :func:`~partpool.sources.find_lip` or :func:`~partpool.sources.find_pairs` found.
        out: The pool file; None only counts (a dry run).
        taxonomy: The part classes; None takes the default ones of the items' scheme, ``ASDA26`` for LIP.
        filters: The filter thresholds; None takes the defaults.
        codec: ``"jpeg"``, ``"png"``, ``"zstd"`` or ``"raw"``.
        max_side: Longest side of a stored patch in pixels.
        workers: Number of worker processes; 0 works in this one.
        scheduler: Address of a Dask scheduler whose workers do the work instead, such as ``"tcp://node7:8786"``.
        resume: Whether to go on with what an earlier build of the same has left; False starts over.
        overwrite: Whether an existing file may be replaced.
        max_errors: Give up after more failed items than this; None never gives up.
        save_rejects: Folder for ``rejects.jsonl``, a line per rejected segment, and a sheet per reason.
        on_progress: Called after every work unit.

    Raises:
        ConfigError: If an option is wrong, the taxonomy is over another scheme than the items, or the inputs or options
            are not those of the build that is to be resumed.
        OutputError: If the output or the rejects exist, cannot be written, or is being written by another build.
        BuildStoppedError: If there were too many failed items, or workers kept dying.
    """
    if taxonomy is None:
        taxonomy = default_taxonomy(items.scheme) if isinstance(items, Source) else ASDA26
    recipe = Recipe(taxonomy, filters or FilterConfig(), codec, max_side)
    if isinstance(items, Source) and items.scheme != taxonomy.scheme:
        raise ConfigError(
            f"taxonomy {taxonomy.name!r} is over scheme {taxonomy.scheme.name!r}, "
            f"but the items are {items.scheme.name!r}"
        )
    # A pool of processes takes longer to start than a few units take.
    engine = engine_for(workers if len(items) > UNIT else min(workers, 0), scheduler)
    began = time.monotonic()
    source_date_epoch()
    report = BuildReport(None, len(items))
    if out is not None:
        report.out = checked_output(Path(out), overwrite)
    with _rejects(save_rejects, overwrite) as rejects:
        job = _Job(recipe, items, engine, max_errors, rejects, on_progress, report)
        counts = job.count() if report.out is None else job.write(report.out, resume, overwrite)
        if rejects is not None:
            rejects.finish()
    report.counts = counts_by_name(counts, taxonomy.names)
    report.seconds = time.monotonic() - began
    return report


@dataclass(frozen=True)
class _Job:
    """One build; what it does is put down in ``report``."""

    recipe: Recipe
    items: Sequence[Item]
    engine: Engine
    max_errors: int | None
    rejects: RejectsFolder | None
    on_progress: Callable[[BuildProgress], None] | None
    report: BuildReport

    def count(self) -> Counts:
        """Cut everything and write nothing; the pool's size is estimated."""
        totals = self._totals()
        found = fingerprint(self.recipe, self.items, UNIT)
        self._cut(
            CutUnit(self.recipe, keep_rejects=self.rejects is not None),
            found.stats,
            range(unit_count(self.items)),
            totals,
            None,
        )
        self.report.parts = totals.parts
        self.report.failed = totals.failed
        keypoints = KEYPOINT_BYTES if any(item.keypoints is not None for item in self.items) else 0
        self.report.pool_bytes = totals.blob_bytes + totals.parts * (ROW_BYTES + keypoints)
        return totals.counts

    def write(self, out: Path, resume: bool, overwrite: bool) -> Counts:
        """Cut what is not in the spool yet, and pack it."""
        spool = Spool(out)
        try:
            packed = self._write(spool, out, resume, overwrite)
        except (OutputError, BuildStoppedError, KeyboardInterrupt) as error:
            if spool.close(keep=True):
                raise type(error)(
                    f"{str(error) or 'interrupted'}; the finished work is kept in {spool.path}, and the same command "
                    "goes on with it (--no-resume starts over)"
                ) from None
            raise
        except BaseException:
            spool.close(keep=True)
            raise
        spool.close(keep=False)
        self.report.parts, self.report.pool_bytes = packed.parts, out.stat().st_size
        return packed.counts

    def _write(self, spool: Spool, out: Path, resume: bool, overwrite: bool) -> Packed:
        found = fingerprint(self.recipe, self.items, UNIT)
        finished = spool.begin(found, resume)
        totals = self._totals()
        for number, summary in finished.items():
            totals.add(number, summary)
        self.report.resumed = totals.items
        self._refuse_failures(totals)
        check_room_for_build(out.parent, self.recipe, self.items, totals.items)
        if totals.items:
            self._progress(totals)
        missing = [number for number in range(unit_count(self.items)) if number not in finished]
        cut = CutUnit(self.recipe, spool.path, spool.token, self.rejects is not None)
        self._cut(cut, found.stats, missing, totals, spool)
        self.report.failed = totals.failed
        try:
            run = SpoolRun(spool.path, unit_count(self.items), len(self.recipe.taxonomy))
            return pack([run], spool.partial_pool, out, self._header(), overwrite)
        except OutputError:
            raise
        except FileExistsError:
            raise OutputError(f"{out} appeared during the build; it was not replaced") from None
        except (OSError, RuntimeError) as error:
            raise OutputError(f"{out} cannot be written: {os_reason(error)}") from None

    def _cut(
        self,
        cut: CutUnit,
        stats: Sequence[FileStats],
        numbers: Iterable[int],
        totals: Totals,
        spool: Spool | None,
    ) -> None:
        """Run units and add up what they did."""
        results = self.engine.run(cut, units(self.items, stats, numbers))
        try:
            for done in results:
                if spool is not None and done.files is not None:
                    spool.put(done.files)
                totals.add(done.number, done.summary)
                if self.rejects is not None:
                    self.rejects.add(done.number, done.rejects)
                try:
                    self._refuse_failures(totals)
                except BuildStoppedError:
                    if spool is not None:
                        # Otherwise the same build would stop at once, whatever has been done about it.
                        spool.drop(done.number)
                    raise
                self._progress(totals)
        finally:
            # Workers end before the spool goes.
            results.close()
        wrong = alarm(totals.seen, self.recipe.taxonomy.scheme)
        if wrong is not None:
            self.report.warnings.append(wrong)
        if self.rejects is not None and self.report.resumed:
            self.report.warnings.append(
                f"the rejected segments of the {self.report.resumed:,} items that were cut before are not listed; "
                "--no-resume lists all"
            )

    def _totals(self) -> Totals:
        return Totals(Sightings.of(self.recipe.taxonomy.scheme))

    def _refuse_failures(self, totals: Totals) -> None:
        if self.max_errors is not None and len(totals.failed) > self.max_errors:
            raise BuildStoppedError(_too_many(totals.failed, self.max_errors))

    def _progress(self, totals: Totals) -> None:
        if self.on_progress:
            failed = sum(map(len, totals.failures.values()))
            progress = BuildProgress(totals.items, len(self.items), totals.parts, failed, self.report.resumed)
            self.on_progress(progress)

    def _header(self) -> Header:
        source: dict[str, Any] = {"kind": "items", "split": "", "license": "", "n_items": len(self.items)}
        if isinstance(self.items, Source):
            source |= {"kind": self.items.kind, "split": self.items.split, "license": self.items.license_note}
            if self.items.part is not None and self.items.part[1] > 1:
                source[SHARD] = {"numbers": [self.items.part[0]], "of": self.items.part[1]}
        errors = Counter(item.reason for item in self.report.failed)
        return Header(self.recipe.taxonomy, self.recipe.config(), source, dict(errors))


def _rejects(
    folder: str | os.PathLike[str] | None, overwrite: bool
) -> contextlib.AbstractContextManager[RejectsFolder | None]:
    return contextlib.nullcontext() if folder is None else RejectsFolder(Path(folder), overwrite)


def _too_many(failed: Sequence[FailedItem], max_errors: int) -> str:
    last = failed[max_errors]
    allowed = f"{max_errors} failed items are allowed" if max_errors else "no failed item is allowed"
    return f"{last.name}: {last.message}. Stopped, because {allowed}; no pool was written"
