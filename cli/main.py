"""The ``partpool`` command.

Nothing here imports numpy, OpenCV or HDF5 before a command needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

from typing import Annotated

import typer

from partpool._version import __version__

from . import build, demo, inspect, taxonomy, verify
from .output import examples

app = typer.Typer(
    help="Build pools of body parts from human parsing data, and look into them.",
    epilog=examples(
        "partpool demo",
        "partpool build --lip ./LIP --out pool.h5",
        "partpool inspect pool.h5 --sheet sheet.png",
    ),
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"partpool {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Build pools of body parts from human parsing data, and look into them."""


app.command("build", epilog=build.EXAMPLES)(build.build)
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.inspect)
app.command("verify", epilog=verify.EXAMPLES)(verify.verify)
app.command("taxonomy", epilog=taxonomy.EXAMPLES)(taxonomy.taxonomy)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)


def run() -> None:
    """Entry point of the console script."""
    app()
