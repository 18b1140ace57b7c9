"""How the commands speak: results on stdout, everything else on stderr, errors as one sentence and an exit code."""

from __future__ import annotations

import functools
import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, ParamSpec, Protocol, TypeVar

import typer

from partpool.errors import (
    BuildStoppedError,
    ConfigError,
    ItemError,
    OutputError,
    PartPoolError,
    PoolError,
    SourceError,
)

from . import INTERRUPTED

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

P = ParamSpec("P")
R = TypeVar("R")

OK, USAGE, FAILED_ITEMS, BAD_INPUT, BAD_OUTPUT = 0, 2, 3, 4, 5
"""Exit codes, beside ``INTERRUPTED``; 1 is an unexpected error."""
EXIT_CODES: tuple[tuple[type[PartPoolError], int], ...] = (
    (ConfigError, USAGE),
    (OutputError, BAD_OUTPUT),
    (BuildStoppedError, FAILED_ITEMS),
    (ItemError, FAILED_ITEMS),
    (SourceError, BAD_INPUT),
    (PoolError, BAD_INPUT),
)
PLAIN_INTERVAL = 5.0
"""Seconds between progress lines where there is no terminal."""


class Update(Protocol):
    """Tells a progress display how far things are."""

    def __call__(self, done: int, total: int, note: str = "") -> None:
        """``done`` of ``total`` things are done."""
        ...


class Output:
    """What a command writes to.

    Args:
        quiet: Leave out progress and messages; errors and results stay.
    """

    def __init__(self, quiet: bool = False) -> None:
        self._quiet = quiet
        self._results = _console()
        self._messages = _console(stderr=True, quiet=quiet)

    def result(self, text: str) -> None:
        """A line of the result."""
        self._results.print(text, soft_wrap=True)

    def table(self, table: Table) -> None:
        """A table of the result."""
        self._results.print(table)

    def json(self, document: Any) -> None:
        """The result as one JSON document."""
        sys.stdout.write(json.dumps(document, indent=2) + "\n")

    def message(self, text: str) -> None:
        """Something the user should know."""
        self._messages.print(text, soft_wrap=True)

    def warning(self, text: str) -> None:
        """Something the user must know, also when quiet."""
        _console(stderr=True).print(text, soft_wrap=True)

    @contextmanager
    def progress(self, title: str) -> Iterator[Update]:
        """A progress bar with rate and remaining time; a plain line every few seconds without a terminal."""
        if self._quiet:
            yield lambda done, total, note="": None
        elif self._messages.is_terminal:
            yield from self._progress_bar(title)
        else:
            yield self._progress_lines(title)

    def _progress_bar(self, title: str) -> Iterator[Update]:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(), TextColumn("{task.fields[note]}"),
        )  # fmt: skip
        began = time.monotonic()
        with Progress(*columns, console=self._messages, transient=True) as bar:
            task = bar.add_task(title, total=None, rate="", note="")

            def update(done: int, total: int, note: str = "") -> None:
                rate = done / max(time.monotonic() - began, 1e-6)
                bar.update(task, completed=done, total=total, rate=f"{rate:,.0f}/s", note=note)

            yield update

    def _progress_lines(self, title: str) -> Update:
        began = shown = time.monotonic()

        def update(done: int, total: int, note: str = "") -> None:
            nonlocal shown
            now = time.monotonic()
            if now - shown < PLAIN_INTERVAL:
                return
            shown = now
            rate = done / (now - began)
            left = (total - done) / rate if rate else 0
            self.message(f"{title}: {done:,} of {total:,}, {rate:,.0f}/s, {left:,.0f} s left{note and ', '}{note}")

        return update


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn partpool's errors into one sentence on stderr and the contract's exit code."""

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except PartPoolError as error:
            fail(str(error), next((code for kind, code in EXIT_CODES if isinstance(error, kind)), 1))
        except KeyboardInterrupt as interrupt:
            fail(str(interrupt) or "interrupted; nothing was written", INTERRUPTED)

    return wrapped


def _console(*, stderr: bool = False, quiet: bool = False) -> Console:
    from rich.console import Console

    # Names and paths are no markup.
    return Console(stderr=stderr, quiet=quiet, markup=False, highlight=False, emoji=False)


def fail(message: str, code: int) -> NoReturn:
    """Say what is wrong and exit."""
    _console(stderr=True).print(f"Error: {message}", soft_wrap=True)
    raise typer.Exit(code)


def examples(*lines: str) -> str:
    """A help epilog of commands to copy."""
    return "\n\n".join(["Examples:", *lines])


def size_text(size: int) -> str:
    """Bytes for people."""
    value = float(size)
    for unit in ("B", "KB", "MB", "GB"):
        if value < 1000:
            return f"{value:,.0f} {unit}" if unit == "B" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} TB"
