"""``partpool verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from partpool.errors import ConfigError

from .output import FAILED_ITEMS, Output, examples, reports_errors

if TYPE_CHECKING:
    from partpool.pool.reader import PartPool

EXAMPLES = examples(
    "partpool verify pool.h5",
    "partpool verify pool-*.h5 --strict --json",
    "partpool verify pool.h5 --strict --against ./LIP",
)
SHOWN_PROBLEMS = 20


@reports_errors
def verify(
    pool: Annotated[list[Path], typer.Argument(readable=False, help="One pool file, or several as one.")],
    strict: Annotated[
        bool, typer.Option("--strict", help="Also decode every part and compare it with its columns.")
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(readable=False, help="The data set: cut every source again and compare. LIP, or the photographs."),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(readable=False, help="Label maps, if --against names a folder of photographs.")
    ] = None,
    masks: Annotated[
        Path | None, typer.Option(readable=False, help="Instead of label maps: the folder of masks for each class.")
    ] = None,
    persons: Annotated[
        Path | None, typer.Option(readable=False, help="Maps of persons, if the build was told where they are.")
    ] = None,
    single_person: Annotated[
        bool, typer.Option("--single-person", help="If the build was told that every picture shows one person.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no messages.")] = False,
) -> None:
    """Look for damage: schema and checksums; with --strict every pixel and column; with --against the sources, too.

    Exit codes: 0 sound, 2 wrong option, 3 damage found, 4 not a pool, or no such data set.
    """
    from partpool.pool.reader import PartPool
    from partpool.sources import find_lip, find_masks, find_pairs
    from partpool.verify.verifier import verify as verify_pool

    if against is None and (labels or masks):
        raise ConfigError("--labels and --masks go with --against, the folder of their photographs")
    if labels is None and (persons or single_person):
        raise ConfigError("--persons and --single-person go with --labels")
    if labels and masks:
        raise ConfigError("pass either --labels or --masks, not both")
    output = Output(quiet)
    with output.progress("Verifying") as update:
        opened = PartPool(pool)
        if against is None:
            items = None
        elif masks is not None:
            items = find_masks(against, masks, opened.taxonomy.scheme)
        elif labels is not None:
            items = find_pairs(against, labels, opened.taxonomy.scheme, persons=persons, single_person=single_person)
        else:
            items = find_lip(against, _lip_split(opened))
        report = verify_pool(opened, strict=strict, against=items, on_progress=update)
    if as_json:
        output.json({"parts": report.parts, "strict": strict, "problems": report.problems})
    elif report.problems:
        found = "1 problem" if len(report.problems) == 1 else f"{len(report.problems):,} problems"
        output.result(f"{found}, in {report.damaged:,} of {report.parts:,} parts")
        for problem in report.problems[:SHOWN_PROBLEMS]:
            output.result(f"  {problem}")
        if len(report.problems) > SHOWN_PROBLEMS:
            output.result(f"  … and {len(report.problems) - SHOWN_PROBLEMS:,} more; --json lists them all")
    else:
        output.result(f"{report.parts:,} parts, no damage found")
    if report.problems:
        raise typer.Exit(FAILED_ITEMS)


def _lip_split(pool: PartPool) -> Any:
    """Which part of LIP a pool was cut from."""
    splits = {source["split"] for source in pool.info()["sources"] if source.get("kind") == "lip"}
    if not splits:
        raise ConfigError(
            "the pool was not cut from LIP; pass its photographs with --against, and its --labels or --masks"
        )
    return splits.pop() if len(splits) == 1 else "all"
