"""Items → pool file."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from partpool.building.build_job import BuildJob
from partpool.building.engines import engine_for
from partpool.building.output_file import checked_output
from partpool.building.report import BuildProgress, BuildReport
from partpool.building.work_unit import UNIT
from partpool.cutting.cutter import Recipe
from partpool.cutting.rejects import RejectsFolder
from partpool.errors import ConfigError
from partpool.filters.config import FilterConfig
from partpool.pool.outcomes import counts_by_name
from partpool.pool.writer import source_date_epoch
from partpool.sources import Item, Source
from partpool.taxonomy.asda26 import ASDA26
from partpool.taxonomy.builtin import default_taxonomy
from partpool.taxonomy.part_classes import Taxonomy


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
    with _rejects_folder(save_rejects, overwrite) as rejects:
        job = BuildJob(recipe, items, engine, max_errors, rejects, on_progress, report)
        counts = job.count() if report.out is None else job.write(report.out, resume, overwrite)
        if rejects is not None:
            rejects.finish()
    report.counts = counts_by_name(counts, taxonomy.names)
    report.seconds = time.monotonic() - began
    return report


def _rejects_folder(
    folder: str | os.PathLike[str] | None, overwrite: bool
) -> contextlib.AbstractContextManager[RejectsFolder | None]:
    return contextlib.nullcontext() if folder is None else RejectsFolder(Path(folder), overwrite)
