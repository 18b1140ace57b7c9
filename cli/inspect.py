"""``partpool inspect``."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .output import Output, examples, reports_errors, size_text

if TYPE_CHECKING:
    from partpool.pool.reader import PartPool

EXAMPLES = examples(
    "partpool inspect pool.h5",
    "partpool inspect pool.h5 --sheet sheet.png",
    "partpool inspect pool.h5 --class left-arm --sheet arms.png",
    "partpool inspect pool.h5 --part 17 --json",
)
WIDTH = 79
"""Columns of a terminal, at least."""


@reports_errors
def inspect(
    pool: Annotated[list[Path], typer.Argument(readable=False, help="One pool file, or several as one.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    sheet: Annotated[
        Path | None,
        typer.Option(readable=False, help="Draw a contact sheet: random parts per class, on a checkerboard."),
    ] = None,
    class_name: Annotated[str | None, typer.Option("--class", help="Only this class.")] = None,
    part: Annotated[int | None, typer.Option(help="Only this part, by its number.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which parts the sheet shows.")] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No messages.")] = False,
) -> None:
    """Show what is in a pool: its classes, its settings, its parts.

    Exit codes: 0 done, 2 wrong option, 4 not a pool, 5 the sheet cannot be written.
    """
    from partpool.pool.reader import PartPool

    output = Output(quiet)
    opened = PartPool(pool)
    if part is not None:
        document = _part_document(opened, part)
    else:
        document = _pool_document(opened, class_name)
    if as_json:
        output.json(document)
    elif part is not None:
        for key, value in document.items():
            output.result(f"{key}: {value}")
    else:
        _print_document(output, document)
    if sheet is not None:
        from partpool.pool.contact_sheet import contact_sheet, draw_part, save_picture

        if part is not None:
            picture = draw_part(opened[part], max(opened[part].mask.shape))
        else:
            picture = contact_sheet(opened, classes=[class_name] if class_name else None, seed=seed)
        save_picture(picture, sheet)
        output.message(f"Wrote {sheet}")


def show(output: Output, pool: PartPool) -> None:
    """Print what is in a pool."""
    _print_document(output, _pool_document(pool))


def _pool_document(pool: PartPool, class_name: str | None = None) -> dict[str, Any]:
    document = pool.info() | {"median_size": _median_sizes(pool), "keypoints": _keypoint_counts(pool)}
    if class_name is not None:
        pool.taxonomy.id(class_name)
        for key in ("classes", "stats", "median_size"):
            document[key] = {class_name: document[key].get(class_name)}
    return document


def _median_sizes(pool: PartPool) -> dict[str, list[float] | None]:
    import numpy as np

    sizes: dict[str, list[float] | None] = {}
    for part in pool.classes:
        rows = pool.indices(part.name)
        sides = (pool.columns["width"][rows], pool.columns["height"][rows])
        sizes[part.name] = [float(np.median(side)) for side in sides] if len(rows) else None
    return sizes


def _keypoint_counts(pool: PartPool) -> dict[str, Any] | None:
    """On how many parts each keypoint is known, and on how many it lies in the patch."""
    from partpool.taxonomy.keypoints import MPII_KEYPOINTS

    coverage = pool.keypoint_coverage()
    if coverage is None:
        return None
    known, in_patch = (dict(zip(MPII_KEYPOINTS, row.tolist(), strict=True)) for row in coverage)
    return {"known": known, "in_patch": in_patch}


def _part_document(pool: PartPool, index: int) -> dict[str, Any]:
    from partpool.errors import ConfigError
    from partpool.pool.codec import CODECS
    from partpool.pool.format import QUALITY

    if not 0 <= index < len(pool):
        raise ConfigError(f"there is no part {index}; the pool has {len(pool):,}")
    part, columns = pool[index], pool.columns
    return {
        "part": index,
        "class": part.name,
        "source": part.source,
        "width": part.mask.shape[1],
        "height": part.mask.shape[0],
        "box": part.box.tolist(),
        "person_box": part.person_box.tolist(),
        "area": int(columns["area"][index]),
        "codec": CODECS[int(columns["codec"][index])],
        "bytes": len(pool.encoded(index)),
        "crc32": int(columns["crc32"][index]),
        "quality": dict(zip(QUALITY, columns["quality"][index].round(4).tolist(), strict=True)),
        "keypoints": None if part.keypoints is None else part.keypoints.tolist(),
    }


def _print_document(output: Output, document: dict[str, Any]) -> None:
    from .tables import outcome_table

    sizes = {name: f"{size[0]:.0f}×{size[1]:.0f}" for name, size in document["median_size"].items() if size}
    counts = {
        name: {**(document["stats"].get(name) or {}), "kept": count} for name, count in document["classes"].items()
    }
    output.table(outcome_table(counts, sizes))
    output.result(
        f"{document['n_parts']:,} parts from {document['n_items']:,} items, {size_text(document['bytes'])}, "
        f"taxonomy {document['taxonomy']} over scheme {document['scheme']}, codec {document['config'].get('codec')}"
    )
    output.result(f"Built by {document['builder']}; its newest source is of {document['created']}")
    output.result(_keypoint_line(document["keypoints"], document["n_parts"]))
    for source in document["sources"]:
        split = f", split {source['split']}" if source.get("split") else ""
        output.result(f"Source: {source.get('kind')}{split}, {source.get('n_items', 0):,} items")
    for note in dict.fromkeys(source["license"] for source in document["sources"] if source.get("license")):
        output.result(f"Licence: {note}")
    if document["errors"]:
        listed = ", ".join(f"{reason} {count:,}" for reason, count in document["errors"].items())
        output.result(f"Failed items: {listed}")


def _keypoint_line(keypoints: dict[str, dict[str, int]] | None, parts: int) -> str:
    if keypoints is None or not parts:
        return "Keypoints: none"
    shares = (
        f"{name} {known / parts:.0%} ({keypoints['in_patch'][name] / parts:.0%})"
        for name, known in keypoints["known"].items()
    )
    line = f"Keypoints known on how many parts (and lying in the patch): {', '.join(shares)}"
    return textwrap.fill(line, WIDTH, subsequent_indent="  ")
