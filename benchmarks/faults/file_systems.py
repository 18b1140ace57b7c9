"""Builds on file systems that misbehave."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.faults.build_process import COMMAND, WORKERS, FaultError, start
from partpool import PartPool, build, find_lip
from partpool.verify.verifier import verify

# An interpreter in which no file can be locked, as on some network file systems.
NO_LOCKS = """
import fcntl, sys
def flock(*args):
    raise OSError(37, "No locks available")
fcntl.flock = flock
from partpool_cli.main import run
run()
"""


def full_disks(root: Path, rng: random.Random, runs: int) -> str:
    """File systems of random sizes, and something else that fills them meanwhile."""
    disk = root / "disk"
    disk.mkdir(exist_ok=True)
    size = (root / "whole.h5").stat().st_size
    codes: Counter[int] = Counter()
    for number in range(runs):
        after = root / f"after-{number}"
        taken = rng.randrange(2 * size)
        script = (
            f"mount -t tmpfs -o size={rng.randrange(size, 4 * size)} none {disk} && "
            f'{{ (sleep {rng.uniform(0.3, 2):.2f}; head -c {taken} /dev/zero > {disk}/filler) & "$@"; code=$?; '
            f"wait; rm {disk}/filler; cp -R {disk} {after}; exit $code; }}"
        )
        command = [*COMMAND, "--lip", str(root / "LIP"), "--out", str(disk / "pool.h5"), "--workers", str(WORKERS)]
        done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", *command], capture_output=True, check=False)
        if not after.exists():
            return f"left out: {done.stderr.decode().strip()}"
        codes[done.returncode] += 1
        if done.returncode not in (0, 5) or b"Traceback" in done.stderr:
            raise FaultError(f"exit code {done.returncode}: {done.stderr.decode()}")
        build(find_lip(root / "LIP"), after / "pool.h5", overwrite=True)
        if (after / "pool.h5").read_bytes() != (root / "whole.h5").read_bytes():
            raise FaultError("the resumed pool has other bytes")
        shutil.rmtree(after)
    return f"{runs} builds, {codes[5]} stopped with exit code 5 and resumed, {codes[0]} had room"


def changing_files(root: Path, rng: random.Random, runs: int) -> str:
    failed = 0
    for number in range(runs):
        lip, out = root / f"changing-{number}", root / f"changing-{number}.h5"
        shutil.copytree(root / "LIP", lip)
        files = sorted(path for folder in lip.iterdir() for path in folder.iterdir())
        process = start(lip, out)
        while process.poll() is None:
            path = rng.choice(files)
            try:
                match rng.randrange(3):
                    case 0:
                        path.unlink()
                    case 1:
                        path.write_bytes(path.read_bytes()[: rng.randrange(2000)])
                    case _:
                        shutil.copy(rng.choice(files), path)
            except (FileNotFoundError, shutil.SameFileError):
                continue
            time.sleep(0.02)
        _, said = process.communicate()
        if process.returncode not in (0, 3) or b"Traceback" in said:
            raise FaultError(f"exit code {process.returncode}: {said.decode()}")
        pool = PartPool(out)
        problems = verify(pool, strict=True).problems
        if problems:
            raise FaultError(problems[0])
        failed += sum(pool.info()["errors"].values())
        shutil.rmtree(lip)
    return f"{runs} builds, {failed} failed items, every pool passes verify --strict"


def no_locks(root: Path) -> str:
    """Two builds at once, and one that was killed, where no file can be locked."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        out = Path(folder) / "pool.h5"
        first = start(root / "LIP", out, script=NO_LOCKS)
        while not (Path(folder) / "pool.h5.spool" / "build.json").exists():
            time.sleep(0.01)
        second = start(root / "LIP", out, script=NO_LOCKS)
        _, said = second.communicate()
        if second.returncode != 5 or f"in use by process {first.pid}".encode() not in said:
            raise FaultError(f"the second build: exit code {second.returncode}: {said.decode()}")
        first.kill()
        first.communicate()
        third = start(root / "LIP", out, script=NO_LOCKS)
        _, said = third.communicate()
        if third.returncode or out.read_bytes() != (root / "whole.h5").read_bytes():
            raise FaultError(f"the third build: exit code {third.returncode}: {said.decode()}")
    return "the second build is refused, the killed first one taken over"


def link_loop(root: Path, items: int) -> str:
    lip = root / "loop"
    shutil.copytree(root / "LIP", lip)
    (lip / "train_images" / "again").symlink_to(lip)
    (lip / "train_segmentations" / "up").symlink_to("..")
    (lip / "self").symlink_to("self")
    found = len(find_lip(lip))
    shutil.rmtree(lip)
    if found != items:
        raise FaultError(f"{found} items of {items} were found")
    return f"{found} items, each once"


def many_files(root: Path, count: int) -> str:
    """Links to one file: finding them is what is tried, and that a build of some begins at once."""
    lip = root / "many"
    for folder, ending in (("train_images", "jpg"), ("train_segmentations", "png")):
        (lip / folder).mkdir(parents=True)
        source = next((root / "LIP" / folder).iterdir())
        for number in range(count // 2):
            os.link(source, lip / folder / f"{number:06d}.{ending}")
    began = time.monotonic()
    source = find_lip(lip)
    found = time.monotonic() - began
    build(source.limit(100), root / "many.h5")
    shutil.rmtree(lip)
    if len(source) != count // 2:
        raise FaultError(f"{len(source)} items were found")
    return f"{len(source):,} items found in {found:.1f} s"


def clocks(root: Path) -> str:
    """Files from the future, as after a clock was set back, and a spool from the future."""
    with tempfile.TemporaryDirectory(dir=root) as folder:
        lip, out = Path(folder) / "LIP", Path(folder) / "pool.h5"
        shutil.copytree(root / "LIP", lip)
        future = time.time() + 10**8
        for path in lip.rglob("*.*"):
            os.utime(path, (future, future))
        build(find_lip(lip), Path(folder) / "whole.h5")
        process = start(lip, out)
        while not list(out.parent.glob("pool.h5.spool/*.npz")):
            time.sleep(0.01)
        process.kill()
        process.communicate()
        for path in (Path(folder) / "pool.h5.spool").iterdir():
            os.utime(path, (future, future))
        report = build(find_lip(lip), out)
        if not report.resumed or out.read_bytes() != (Path(folder) / "whole.h5").read_bytes():
            raise FaultError("the build did not go on, or to other bytes")
    return f"{report.resumed} items resumed, the pool as undisturbed"
