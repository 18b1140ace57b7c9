"""A build with a progress display, and what is said of it at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .output import Output, size_text

if TYPE_CHECKING:
    from partpool.building.report import BuildProgress, BuildReport
    from partpool.sources import Source
    from partpool.taxonomy.part_classes import Taxonomy

SHOWN_FAILURES = 20


def run_build(output: Output, source: Source, out: Path | None, **options: Any) -> BuildReport:
    """Build with a progress display."""
    from partpool.building.builder import build as build_pool

    with output.progress("Cutting") as update:

        def show(progress: BuildProgress) -> None:
            if progress.done == progress.resumed:
                output.message(f"Resuming: {progress.resumed:,} of {progress.total:,} items were done before")
            note = f"{progress.parts:,} parts"
            if progress.failed:
                note += f", {progress.failed:,} failed"
            # Neither rate nor remaining time count what was there before.
            update(progress.done - progress.resumed, progress.total - progress.resumed, note)

        return build_pool(source, out, on_progress=show, **options)


def about_taxonomy(taxonomy: Taxonomy) -> dict[str, Any]:
    """What a taxonomy is called, and how it differs from asda26."""
    from partpool.taxonomy.builtin import against_asda26

    lacks, adds = against_asda26(taxonomy)
    return {"name": taxonomy.name, "scheme": taxonomy.scheme.name, "lacks": lacks, "adds": adds}


def print_report(output: Output, report: BuildReport, taxonomy: Taxonomy) -> None:
    """Print what a build did."""
    from .tables import outcome_table

    output.table(outcome_table(report.counts))
    about = about_taxonomy(taxonomy)
    said = [f"{verb} {', '.join(about[verb])}" for verb in ("lacks", "adds") if about[verb]]
    if said:
        output.result(f"Taxonomy {about['name']} over scheme {about['scheme']}: of asda26 it {', and '.join(said)}")
    rate = report.items / max(report.seconds, 1e-6)
    output.result(f"{report.parts:,} parts from {report.items:,} items in {report.seconds:,.1f} s ({rate:,.0f}/s)")
    if report.out is None:
        output.result(f"Dry run: nothing was written; the pool would take about {size_text(report.pool_bytes)}")
    else:
        output.result(f"Wrote {report.out} ({size_text(report.pool_bytes)})")
    if not report.parts:
        output.warning("No part was kept.")
    if not report.failed:
        return
    reasons = Counter(item.reason for item in report.failed)
    listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.most_common())
    output.warning(f"{len(report.failed):,} of {report.items:,} items failed: {listed}")
    for item in report.failed[:SHOWN_FAILURES]:
        output.warning(f"  {item.name}: {item.message}")
    if len(report.failed) > SHOWN_FAILURES:
        output.warning(f"  … and {len(report.failed) - SHOWN_FAILURES:,} more; --json lists them all")
