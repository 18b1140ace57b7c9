"""``partpool taxonomy``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .output import Output, examples, reports_errors

if TYPE_CHECKING:
    from partpool.taxonomy.part_classes import PartClass

EXAMPLES = examples(
    "partpool taxonomy", "partpool taxonomy extended --json", "partpool taxonomy cihp", "partpool taxonomy mine.toml",
    "partpool taxonomy --compose arms=left-arm+right-arm",
)  # fmt: skip


@reports_errors
def taxonomy(
    name: Annotated[str, typer.Argument(help="asda26, extended, a scheme such as cihp, or a TOML file.")] = "asda26",
    compose: Annotated[
        list[str] | None, typer.Option(help="Another class, NAME=a+b of labels or classes; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """Show the part classes of a taxonomy: labels, sizes, mirror partners, keypoints.

    Exit codes: 0 done, 2 no such taxonomy, or its file is wrong.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    from partpool.taxonomy.toml_file import compose as add_class
    from partpool.taxonomy.toml_file import load_taxonomy

    output = Output()
    found = load_taxonomy(name)
    for expression in compose or []:
        found = add_class(found, expression)
    if as_json:
        output.json(found.to_dict() | {"scheme": found.scheme.to_dict()})
        return
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for column in ("id", "size"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("class", no_wrap=True)
    table.add_column("made of")
    for number, part in enumerate(found.classes):
        table.add_row(str(number), f"{part.size:g}", part.name, _composition(part))
    output.table(table)
    output.result(
        f"{len(found)} classes of taxonomy {found.name} over scheme {found.scheme.name}; --json shows all fields"
    )


def _composition(part: PartClass) -> str:
    text = " + ".join(part.labels) if part.composed else "its label"
    if part.bridge:
        text += f", bridged by touching {' or '.join(part.bridge)}"
    if part.split:
        text += ", every component by itself"
    if part.mirror:
        text += f"; mirrors {part.mirror}"
    return text
