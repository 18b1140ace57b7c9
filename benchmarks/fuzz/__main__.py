"""Hostile input: damaged files of every kind that partpool reads, each of which must end in data or in one clear error.

    python -m benchmarks.fuzz --cases 10000

A case takes a small good file, damages it (flipped bits, cut, repeated, spliced, absurd numbers), and lets the code
that reads such files read it. Cases run in a child process with little memory of its own. A case fails if it raises
anything but partpool's own errors, kills or hangs its process, takes too much memory, or leaves a file outside the
folder it was given. Failed inputs are kept; the exit code is their number, at most 100.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.fuzz.child import ChildError, outcomes
from benchmarks.fuzz.damage import damaged
from benchmarks.fuzz.targets import TARGETS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000, help="how many, over all kinds of files")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=TARGETS, help="one kind of file")
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="folder for inputs of failed cases")
    options = parser.parse_args()
    names = [options.only] if options.only else list(TARGETS)
    share = -(-options.cases // len(names))
    failures = 0
    for name in names:
        began = time.monotonic()
        try:
            counts, failed = fuzz(name, range(options.seed * share, (options.seed + 1) * share), options.keep)
        except ChildError as error:
            sys.exit(f"Error: {error}")
        failures += failed
        shown = ", ".join(f"{outcome} {count:,}" for outcome, count in sorted(counts.items()))
        print(f"{name:>10}: {share:,} cases in {time.monotonic() - began:.0f} s: {shown}", flush=True)
    print(f"{share * len(names):,} cases, {failures} failures")
    sys.exit(min(failures, 100))


def fuzz(name: str, cases: range, keep: Path) -> tuple[dict[str, int], int]:
    """Run cases of one kind; returns how often each outcome came, and how many cases failed.

    Raises:
        ChildError: If cases cannot be run.
    """
    counts: dict[str, int] = {}
    failures = 0
    for number, outcome in outcomes(name, cases):
        counts[outcome] = counts.get(outcome, 0) + 1
        if outcome not in ("data", "error"):
            failures += 1
            keep.mkdir(exist_ok=True)
            (keep / f"{name}-{number}{TARGETS[name].ending}").write_bytes(damaged(name, number, TARGETS[name]))
            print(f"  {name} case {number}: {outcome}", flush=True)
    return counts, failures


if __name__ == "__main__":
    main()
