"""Builds under faults, with real signals: the pool is that of an undisturbed build, or there is none.

    python -m benchmarks.faults --runs 100

Each run of the first four is a build that is hit at a random moment, looked at, and resumed, and so on until it has
written its pool: nothing but the pool and its spool may lie in the folder, no worker may live on for more than five
seconds, and the bytes must be those of the undisturbed build. The rest are single cases. The exit code is 1 if
anything was otherwise.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from benchmarks.faults.build_process import FaultError, write_people
from benchmarks.faults.file_systems import changing_files, clocks, full_disks, link_loop, many_files, no_locks
from benchmarks.faults.signals import SIGNALS, many
from partpool import build, find_lip

ITEMS = 160


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100, help="builds under each of the signals, over all of them")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=int, default=100_000, help="files of the large directory")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    options = parser.parse_args()
    rng = random.Random(options.seed)
    failures = 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_people(root / "LIP", ITEMS)
        build(find_lip(root / "LIP"), root / "whole.h5")
        cases: dict[str, Callable[[], str]] = {
            f"{options.runs // len(SIGNALS)} builds under {name}": partial(
                many, root, kill, options.runs // len(SIGNALS), rng
            )
            for name, kill in SIGNALS.items()
        }
        cases |= {
            "a disk that fills up": partial(full_disks, root, rng, max(1, options.runs // 10)),
            "files that vanish, change and are cut short": partial(
                changing_files, root, rng, max(1, options.runs // 10)
            ),
            "a file system without locks": partial(no_locks, root),
            "a loop of links": partial(link_loop, root, ITEMS),
            f"a directory of {options.files:,} files": partial(many_files, root, options.files),
            "clocks that jump back": partial(clocks, root),
        }
        for name, run in cases.items():
            if options.only not in name:
                continue
            began = time.monotonic()
            try:
                said = run()
            except FaultError as error:
                failures += 1
                said = f"FAILED: {error}"
            print(f"{name}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{failures} failures")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
