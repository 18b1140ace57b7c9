"""The ``partpool`` command.

Nothing here imports numpy, OpenCV or HDF5 before a command needs them, so that ``--help`` answers at once.
"""

from __future__ import annotations

import io
import os
import signal
import sys
from typing import Annotated

import typer

from partpool._version import __version__

from . import build, demo, inspect, merge, preview, taxonomy, verify
from .output import BAD_OUTPUT, examples

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


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    from asda_aug.pasting.compiled import COMPILED as PASTING
    from partpool.cutting.compiled import COMPILED as CUTTING

    typer.echo(f"partpool {__version__}")
    typer.echo(f"compiled loops: cutting {'yes' if CUTTING else 'no'}, pasting {'yes' if PASTING else 'no'}")
    raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Build pools of body parts from human parsing data, and look into them."""


app.command("build", epilog=build.EXAMPLES)(build.build)
app.command("inspect", epilog=inspect.EXAMPLES)(inspect.inspect)
app.command("verify", epilog=verify.EXAMPLES)(verify.verify)
app.command("merge", epilog=merge.EXAMPLES)(merge.merge)
app.command("preview", epilog=preview.EXAMPLES)(preview.preview)
app.command("taxonomy", epilog=taxonomy.EXAMPLES)(taxonomy.taxonomy)
app.command("demo", epilog=demo.EXAMPLES)(demo.demo)


def run() -> None:
    """Run the command of this process's arguments."""
    signal.signal(signal.SIGTERM, _terminate)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal cannot show is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            app()
        finally:
            sys.stdout.flush()
    except OSError as error:
        # Nobody reads on, or the disk behind the redirection is full; what is still buffered has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            sys.stderr.write(f"Error: the output cannot be written: {error.strerror}\n")
            sys.exit(BAD_OUTPUT)


def _terminate(*_: object) -> None:
    """End through the same clean-up as any error."""
    sys.exit(128 + signal.SIGTERM)
