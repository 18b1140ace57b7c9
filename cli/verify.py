"""``partpool verify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .output import FAILED_ITEMS, Output, examples, reports_errors

EXAMPLES = examples("partpool verify pool.h5", "partpool verify pool-*.h5 --strict --json")
SHOWN_PROBLEMS = 20


@reports_errors
def verify(
    pool: Annotated[list[Path], typer.Argument(readable=False, help="One pool file, or several as one.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Also decode every part and compare it with its columns.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Look for damage: schema and checksums, with --strict every pixel.

    Exit codes: 0 sound, 3 damage found, 4 not a pool.
    """
    from partpool.reader import PartPool
    from partpool.verify import verify as verify_pool

    output = Output(quiet)
    with output.progress("Verifying") as update:
        report = verify_pool(PartPool(pool), strict=strict, on_progress=update)
    if as_json:
        output.json({"parts": report.parts, "strict": strict, "problems": report.problems})
    elif report.problems:
        output.result(f"{len(report.problems):,} of {report.parts:,} parts are damaged")
        for problem in report.problems[:SHOWN_PROBLEMS]:
            output.result(f"  {problem}")
        if len(report.problems) > SHOWN_PROBLEMS:
            output.result(f"  … and {len(report.problems) - SHOWN_PROBLEMS:,} more; --json lists them all")
    else:
        output.result(f"{report.parts:,} parts, no damage found")
    if report.problems:
        raise typer.Exit(FAILED_ITEMS)
