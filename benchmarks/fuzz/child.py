"""Cases run in a child process that gets little memory, and may die of one."""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.target import Target
from benchmarks.fuzz.targets import TARGETS
from partpool.errors import PartPoolError

MAPPED = 2 * 2**30
"""Bytes of address space that cases may map beyond what the imported libraries have: a CUDA build maps many GB."""
RESIDENT = 2**30
"""Bytes of memory that no case may take beyond what the good files took."""
TOO_MUCH = "took too much memory"
HANG = 30.0
"""Seconds that no case may take."""
START = 120.0
"""Seconds within which a child must have imported everything and made the good files."""


class ChildError(Exception):
    """A child process never came to its first case."""


def outcomes(name: str, cases: range) -> Iterator[tuple[int, str]]:
    """Number and outcome of each case, in order; a case that ends its child is followed by another child.

    Raises:
        ChildError: If a child never comes to a case.
    """
    # Everything is imported once, and every child begins from there.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with tempfile.TemporaryDirectory() as folder:
        while cases:
            here, there = context.Pipe(duplex=False)
            child = context.Process(target=run_cases, args=(name, cases, folder, there))
            child.start()
            # Only the child's end is left, so that its death ends the pipe.
            there.close()
            try:
                for number, outcome in answers(child, here, cases):
                    cases = range(number + 1, cases.stop)
                    yield number, outcome
            finally:
                child.kill()
                child.join()


def answers(child: BaseProcess, pipe: Connection, cases: range) -> Iterator[tuple[int, str]]:
    """Number and outcome of the cases until one ends the child, which is an outcome, too.

    Raises:
        ChildError: If the child never comes to a case.
    """
    if not pipe.poll(START):
        raise ChildError(f"the child process took more than {START:.0f} s to make its good files")
    try:
        pipe.recv()
    except EOFError:
        child.join()
        raise ChildError(
            f"the child process ended with exit code {child.exitcode} before its first case; "
            "what it printed to stderr stands above"
        ) from None
    for number in cases:
        if not pipe.poll(HANG):
            yield number, f"took more than {HANG:.0f} s"
            return
        try:
            outcome = pipe.recv()
        except EOFError:
            child.join()
            yield number, f"killed its process ({child.exitcode})"
            return
        yield number, outcome
        if outcome == TOO_MUCH:
            # The peak of a process stays.
            return


def run_cases(name: str, cases: range, folder: str, pipe: Connection) -> None:
    """In the child: read what each case gives, and send how it ended."""
    limit_address_space()
    warnings.simplefilter("error")
    root = Path(folder)
    os.chdir(root)
    target = TARGETS[name]
    pipe.send(f"{len(target.seeds)} good files")
    # What C libraries print about damaged files.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    most = peak() + RESIDENT
    for number in cases:
        work = root / f"{name}-{number}"
        (work / "in").mkdir(parents=True)
        path = work / "in" / f"case{target.ending}"
        path.write_bytes(damaged(name, number, target))
        pipe.send(outcome(target, path, most))
        shutil.rmtree(work)


def limit_address_space() -> None:
    """Let this process map little more than it has mapped so far."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MAPPED
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak() -> int:
    """Bytes of memory that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def outcome(target: Target, path: Path, most: int) -> str:
    """How reading a file ends; ``most`` are the bytes that the process may have taken by then."""
    around = {entry for entry in path.parents[2].iterdir() if entry != path.parents[1]}
    try:
        target.read(path)
        ended = "data"
    except PartPoolError as error:
        ended = "error" if "\n" not in str(error) and str(error) else f"an error of several lines: {str(error)!r}"
    except BaseException:
        return f"raised {traceback.format_exc(limit=-3)}"
    if {entry for entry in path.parents[2].iterdir() if entry != path.parents[1]} != around:
        return "left a file outside its folder"
    return TOO_MUCH if peak() > most else ended
