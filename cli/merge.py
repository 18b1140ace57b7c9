"""``partpool merge``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import Output, examples, reports_errors, size_text

EXAMPLES = examples("partpool merge shard-*.h5 --out pool.h5", "partpool merge lip.h5 mine.h5 --out both.h5 --json")


@reports_errors
def merge(
    pool: Annotated[list[Path], typer.Argument(readable=False, help="The pool files, in any order.")],
    out: Annotated[Path, typer.Option(readable=False, help="The pool file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Write one pool out of several; the shards of a build give the same bytes as one build of everything.

    They must agree in taxonomy, configuration and version. An item that several hold enters once.

    Exit codes: 0 done, 2 wrong option, 4 not a pool, damaged, or not fitting the others, 5 output exists or cannot be
    written, 130 interrupted.
    """
    from partpool.building.merger import merge as merge_pools

    output = Output(quiet)
    with output.progress("Merging MB") as update:
        report = merge_pools(
            pool, out, overwrite=overwrite, on_progress=lambda done, total: update(done // 10**6, total // 10**6)
        )
    if report.missing:
        output.warning(f"Note: without shard {', '.join(report.missing)}, which was not among the files")
    if as_json:
        output.json(report.to_dict())
        return
    repeated = f", {report.repeated:,} repeated ones left out" if report.repeated else ""
    output.result(f"{report.parts:,} parts from {report.files:,} files{repeated} in {report.seconds:,.1f} s")
    output.result(f"Wrote {report.out} ({size_text(report.pool_bytes)})")
