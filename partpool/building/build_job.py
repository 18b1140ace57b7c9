"""One build: what is not in the spool yet is cut, and all of it packed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from partpool.building.disk_estimate import check_room_for_build
from partpool.building.engines import Engine
from partpool.building.fingerprint import FileStats, fingerprint
from partpool.building.merger import SHARD
from partpool.building.output_file import os_reason
from partpool.building.report import BuildProgress, BuildReport
from partpool.building.spool import Spool
from partpool.building.spool_run import SpoolRun
from partpool.building.unit_files import FailedItem
from partpool.building.work_unit import UNIT, Totals, UnitCutter, unit_count, units
from partpool.cutting.cutter import Recipe
from partpool.cutting.rejects import RejectsFolder
from partpool.errors import BuildStoppedError, OutputError
from partpool.pool.format import KEYPOINT_BYTES, ROW_BYTES
from partpool.pool.outcomes import Counts
from partpool.pool.writer import Header, Packed, pack
from partpool.segment.scheme_alarm import Sightings, alarm
from partpool.sources import Item, Source


@dataclass
class BuildJob:
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
        totals = self._no_totals()
        found = fingerprint(self.recipe, self.items, UNIT)
        self._run_units(
            UnitCutter(self.recipe, keep_rejects=self.rejects is not None),
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
            packed = self._cut_and_pack(spool, out, resume, overwrite)
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

    def _cut_and_pack(self, spool: Spool, out: Path, resume: bool, overwrite: bool) -> Packed:
        found = fingerprint(self.recipe, self.items, UNIT)
        finished = spool.begin(found, resume)
        totals = self._no_totals()
        for number, summary in finished.items():
            totals.add(number, summary)
        self.report.resumed = totals.items
        self._refuse_failures(totals)
        check_room_for_build(out.parent, self.recipe, self.items, totals.items)
        if totals.items:
            self._tell_progress(totals)
        missing = [number for number in range(unit_count(self.items)) if number not in finished]
        cutter = UnitCutter(self.recipe, spool.path, spool.token, self.rejects is not None)
        self._run_units(cutter, found.stats, missing, totals, spool)
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

    def _run_units(
        self,
        cutter: UnitCutter,
        stats: Sequence[FileStats],
        numbers: Iterable[int],
        totals: Totals,
        spool: Spool | None,
    ) -> None:
        """Run units and add up what they did."""
        results = self.engine.run(cutter, units(self.items, stats, numbers))
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
                self._tell_progress(totals)
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

    def _no_totals(self) -> Totals:
        return Totals(Sightings.of(self.recipe.taxonomy.scheme))

    def _refuse_failures(self, totals: Totals) -> None:
        if self.max_errors is not None and len(totals.failed) > self.max_errors:
            raise BuildStoppedError(_too_many_message(totals.failed, self.max_errors))

    def _tell_progress(self, totals: Totals) -> None:
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


def _too_many_message(failed: Sequence[FailedItem], max_errors: int) -> str:
    last = failed[max_errors]
    allowed = f"{max_errors} failed items are allowed" if max_errors else "no failed item is allowed"
    return f"{last.name}: {last.message}. Stopped, because {allowed}; no pool was written"
