"""``partpool build``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import typer

from partpool.errors import ConfigError
from partpool.filters.config import MAX_RAGGEDNESS_OF, MIN_LARGEST_OF, FilterConfig

from .build_options import find_source, find_taxonomy, shard_numbers, thresholds_by_class
from .build_report import about_taxonomy, print_report, run_build
from .output import FAILED_ITEMS, Output, examples, reports_errors

EXAMPLES = examples(
    "partpool build --lip ./LIP --out pool.h5",
    "partpool build --lip ./LIP --dry-run --limit 500",
    "partpool build --images photos --labels parsed --scheme lip --out pool.h5 --codec png",
    "partpool build --images photos --labels parsed --scheme cihp --single-person --out pool.h5",
    "partpool build --lip ./LIP --out shard-3.h5 --shard 3/8",
    "partpool build --lip ./LIP --out pool.h5 --scheduler tcp://node7:8786",
    "partpool build --lip ./LIP --out pool.h5 --compose arms=left-arm+right-arm --min-area 2000",
)

SOURCE, CLASSES, FILTERS, OUTPUT, RUNNING = "Source", "Classes", "Filters", "Output", "Running"
DEFAULTS = FilterConfig()


def _thresholds_text(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name}={value:g}" for name, value in values.items())


@reports_errors
def build(
    lip: Annotated[
        Path | None,
        typer.Option(readable=False, help="LIP in any layout: a folder, or its zip archives.", rich_help_panel=SOURCE),
    ] = None,
    images: Annotated[
        Path | None, typer.Option(readable=False, help="Folder of photographs.", rich_help_panel=SOURCE)
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(readable=False, help="Folder of their label maps.", rich_help_panel=SOURCE)
    ] = None,
    masks: Annotated[
        Path | None,
        typer.Option(readable=False, help="Instead: a folder of binary masks for each class.", rich_help_panel=SOURCE),
    ] = None,
    scheme: Annotated[
        str | None,
        typer.Option(
            help="What the label maps' pixel values mean: lip, cihp …, or a TOML file.", rich_help_panel=SOURCE
        ),
    ] = None,
    persons: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Folder of maps of persons (default: Human_ids beside CIHP's labels).",
            rich_help_panel=SOURCE,
        ),
    ] = None,
    single_person: Annotated[
        bool, typer.Option("--single-person", help="Every picture shows one person.", rich_help_panel=SOURCE)
    ] = False,
    license_note: Annotated[
        str | None,
        typer.Option(help="Terms that the pool carries (default: those of a known data set).", rich_help_panel=SOURCE),
    ] = None,
    split: Annotated[
        Literal["train", "val", "all"], typer.Option(help="Which part of LIP.", rich_help_panel=SOURCE)
    ] = "train",
    limit: Annotated[int | None, typer.Option(min=1, help="Take only the first items.", rich_help_panel=SOURCE)] = None,
    shard: Annotated[
        str | None,
        typer.Option(help="Take only share I/N, such as 3/8, for partpool merge.", rich_help_panel=SOURCE),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(readable=False, help="The pool file to write.", rich_help_panel=OUTPUT)
    ] = None,
    overwrite: Annotated[bool, typer.Option(help="Replace an existing file.", rich_help_panel=OUTPUT)] = False,
    codec: Annotated[
        Literal["jpeg", "png", "zstd", "raw"],
        typer.Option(help="jpeg is small; png and zstd keep every pixel; raw is fastest.", rich_help_panel=OUTPUT),
    ] = "jpeg",
    max_side: Annotated[
        int, typer.Option(help="Shrink larger patches to this many pixels.", rich_help_panel=OUTPUT)
    ] = 320,
    taxonomy: Annotated[
        str | None,
        typer.Option(help="asda26, extended, or a TOML file (default: the scheme's own).", rich_help_panel=CLASSES),
    ] = None,
    compose: Annotated[
        list[str] | None,
        typer.Option(help="Another class, NAME=a+b of labels or classes; repeatable.", rich_help_panel=CLASSES),
    ] = None,
    min_area: Annotated[int, typer.Option(help="Pixels of a mask.", rich_help_panel=FILTERS)] = DEFAULTS.min_area,
    min_largest: Annotated[
        float, typer.Option(help="Share of the largest component.", rich_help_panel=FILTERS)
    ] = DEFAULTS.min_largest,
    min_largest_of: Annotated[
        list[str] | None,
        typer.Option(
            help=f"The same for a class, CLASS=SHARE. (default {_thresholds_text(MIN_LARGEST_OF)})",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    min_side: Annotated[
        int, typer.Option(help="Pixels of the box's shorter side.", rich_help_panel=FILTERS)
    ] = DEFAULTS.min_side,
    max_aspect: Annotated[
        float, typer.Option(help="Longer over shorter side.", rich_help_panel=FILTERS)
    ] = DEFAULTS.max_aspect,
    min_fill: Annotated[
        float, typer.Option(help="Mask area over box area.", rich_help_panel=FILTERS)
    ] = DEFAULTS.min_fill,
    max_raggedness: Annotated[
        float, typer.Option(help="Contour length² over 4π area.", rich_help_panel=FILTERS)
    ] = DEFAULTS.max_raggedness,
    max_raggedness_of: Annotated[
        list[str] | None,
        typer.Option(
            help=f"The same for a class, CLASS=VALUE. (default {_thresholds_text(MAX_RAGGEDNESS_OF)})",
            rich_help_panel=FILTERS,
        ),
    ] = None,
    max_border: Annotated[
        float, typer.Option(help="Share of the contour on the picture's border.", rich_help_panel=FILTERS)
    ] = DEFAULTS.max_border,
    min_texture: Annotated[
        float, typer.Option(help="Standard deviation of the luminance.", rich_help_panel=FILTERS)
    ] = DEFAULTS.min_texture,
    max_iou: Annotated[
        float,
        typer.Option(help="Overlap with another part of the person; 1 keeps duplicates.", rich_help_panel=FILTERS),
    ] = DEFAULTS.max_iou,
    save_rejects: Annotated[
        Path | None,
        typer.Option(
            readable=False,
            help="Folder for a list of rejected segments and a sheet per reason.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 is this one (default all cores).", rich_help_panel=RUNNING)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Let the workers of this Dask scheduler do the work: tcp://HOST:PORT.", rich_help_panel=RUNNING
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume/--no-resume", help="Go on with what an interrupted build has left.", rich_help_panel=RUNNING
        ),
    ] = True,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count and estimate; write nothing.", rich_help_panel=RUNNING)
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at the first failed item.", rich_help_panel=RUNNING)
    ] = False,
    max_errors: Annotated[
        int | None, typer.Option(min=0, help="Stop after more failed items than this.", rich_help_panel=RUNNING)
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the report as one JSON document.", rich_help_panel=OUTPUT)
    ] = False,
    quiet: Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress and no messages, only the result.", rich_help_panel=OUTPUT),
    ] = False,
) -> None:
    """Cut a parsing data set into body parts and write one pool file.

    Exit codes: 0 done, 2 wrong option, 3 some items failed or nothing was kept, 4 source not found, 5 output exists or
    cannot be written, 130 interrupted.
    """
    if out is None and not dry_run:
        source_too = "" if lip or images else "the source, --lip DIR or --images and --labels, and "
        raise ConfigError(f"pass {source_too}--out POOL.h5, or --dry-run to only count")
    filters = FilterConfig(
        min_area=min_area, min_largest=min_largest, min_largest_of=thresholds_by_class(min_largest_of, MIN_LARGEST_OF),
        min_side=min_side, max_aspect=max_aspect, min_fill=min_fill, max_raggedness=max_raggedness,
        max_raggedness_of=thresholds_by_class(max_raggedness_of, MAX_RAGGEDNESS_OF), max_border=max_border,
        min_texture=min_texture, max_iou=max_iou,
    )  # fmt: skip
    if scheduler is not None and workers is not None:
        raise ConfigError("pass either --workers or --scheduler, not both")
    part = shard_numbers(shard)
    if taxonomy is not None:
        # A wrong taxonomy is said before a long walk.
        find_taxonomy(taxonomy, compose or [], filters)
    source = find_source(lip, images, labels, masks, scheme, persons, single_person, split)
    if license_note is not None:
        source = replace(source, license_note=license_note)
    if limit is not None:
        source = source.limit(limit)
    if part is not None:
        source = source.shard(*part)
    classes = find_taxonomy(taxonomy or source.scheme, compose or [], filters)
    output = Output(quiet)
    for note in source.notes:
        output.message(f"Note: {note}")
    report = run_build(
        output, source, None if dry_run else out, taxonomy=classes, filters=filters, codec=codec, max_side=max_side,
        workers=_core_count() if workers is None else workers, scheduler=scheduler, resume=resume, overwrite=overwrite,
        max_errors=0 if strict else max_errors,
        save_rejects=save_rejects,
    )  # fmt: skip
    for warning in report.warnings:
        output.warning(f"Warning: {warning}")
    if save_rejects is not None:
        output.message(f"Wrote the rejected segments to {save_rejects}")
    if as_json:
        output.json(report.to_dict() | {"notes": list(source.notes), "taxonomy": about_taxonomy(classes)})
    else:
        print_report(output, report, classes)
    if report.failed or not report.parts:
        raise typer.Exit(FAILED_ITEMS)


def _core_count() -> int:
    import os

    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
