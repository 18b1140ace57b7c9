"""Builds under faults, with real signals: the pool is that of an undisturbed build, or there is none.

    python benchmarks/faults.py --runs 100

Each run of the first four is a build that is hit at a random moment, looked at, and resumed, and so on until it has
written its pool: nothing but the pool and its spool may lie in the folder, no worker may live on for more than five
seconds, and the bytes must be those of the undisturbed build. The rest are single cases. The exit code is 1 if
anything was otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from partpool import PartPool, build, find_lip
from partpool.synthetic.people import draw_person
from partpool.verify.verifier import verify

ITEMS = 160
WORKERS = 2
LIVES_ON = 5.0
"""Seconds within which everything of a killed build must have ended."""
COMMAND = (sys.executable, "-m", "partpool_cli", "build", "--quiet")
# An interpreter in which no file can be locked, as on some network file systems.
NO_LOCKS = """
import fcntl, sys
def flock(*args):
    raise OSError(37, "No locks available")
fcntl.flock = flock
from partpool_cli.main import run
run()
"""
Kill = Callable[[subprocess.Popen[bytes], random.Random], None]


class FaultError(Exception):
    """Something was not as it must be."""


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
        kills: dict[str, Kill] = {
            "kill -9 of the driver": kill_driver,
            "kill -9 of a worker": kill_worker,
            "Ctrl-C": lambda process, _: os.killpg(process.pid, signal.SIGINT),
            "SIGTERM": lambda process, _: process.terminate(),
        }
        cases: dict[str, Callable[[], str]] = {
            f"{options.runs // len(kills)} builds under {name}": lambda kill=kill: many(  # type: ignore[misc]
                root, kill, options.runs // len(kills), rng
            )
            for name, kill in kills.items()
        }
        cases |= {
            "a disk that fills up": lambda: full_disks(root, rng, max(1, options.runs // 10)),
            "files that vanish, change and are cut short": lambda: changing_files(
                root, rng, max(1, options.runs // 10)
            ),
            "a file system without locks": lambda: no_locks(root),
            "a loop of links": lambda: link_loop(root),
            f"a directory of {options.files:,} files": lambda: many_files(root, options.files),
            "clocks that jump back": lambda: clocks(root),
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


def write_people(root: Path, count: int) -> None:
    """Small pictures of a few people, ever darker, so that all differ."""
    drawn = [draw_person(np.random.default_rng(seed)) for seed in range(8)]
    for folder in ("train_images", "train_segmentations"):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        person = drawn[number % len(drawn)]
        image = person.image[::3, ::3] - np.minimum(person.image[::3, ::3], number // len(drawn))
        Image.fromarray(image).save(root / "train_images" / f"{number:06d}.jpg", quality=95)
        Image.fromarray(person.labels[::3, ::3]).save(root / "train_segmentations" / f"{number:06d}.png")


def start(lip: Path, out: Path, *options: str, script: str | None = None) -> subprocess.Popen[bytes]:
    """A build in a process group of its own."""
    command = [*COMMAND] if script is None else [sys.executable, "-c", script, *COMMAND[3:]]
    command += ["--lip", str(lip), "--out", str(out), "--workers", str(WORKERS), *options]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True)


def alive(group: int) -> list[int]:
    """Processes of a group that have not ended."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == group and fields[0] != "Z":
            found.append(int(status.parent.name))
    return found


def kill_driver(process: subprocess.Popen[bytes], _: random.Random) -> None:
    process.kill()


def kill_worker(process: subprocess.Popen[bytes], rng: random.Random) -> None:
    for pid in rng.sample(found := alive(process.pid), len(found)):
        try:
            # Not the driver, nor the process that Python keeps beside it.
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
                return
        except OSError:
            continue


def many(root: Path, kill: Kill, runs: int, rng: random.Random) -> str:
    outcomes: Counter[str] = Counter()
    longest = undisturbed(root)
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=root) as folder:
            outcomes += hit_until_done(root, Path(folder) / "pool.h5", kill, rng, longest)
    hits = outcomes["hits"]
    return f"{hits} hits, {outcomes['resumes']} resumes, {outcomes['whole']} of {runs} pools as undisturbed"


def undisturbed(root: Path) -> float:
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=root) as folder, start(root / "LIP", Path(folder) / "pool.h5") as process:
        process.communicate()
    return time.monotonic() - began


def hit_until_done(root: Path, out: Path, kill: Kill, rng: random.Random, longest: float) -> Counter[str]:
    outcomes: Counter[str] = Counter()
    while True:
        process = start(root / "LIP", out)
        # Before a build has begun, signals are Python's.
        while process.poll() is None and owner(out) != process.pid:
            time.sleep(0.01)
        try:
            process.wait(rng.uniform(0, longest))
        except subprocess.TimeoutExpired:
            kill(process, rng)
            outcomes["hits"] += 1
        _, said = process.communicate(timeout=60)
        end = time.monotonic() + LIVES_ON
        while alive(process.pid):
            if time.monotonic() > end:
                raise FaultError(f"processes {alive(process.pid)} live on")
            time.sleep(0.01)
        if b"Traceback" in said and process.returncode != -signal.SIGKILL:
            raise FaultError(said.decode())
        left = sorted(path.name for path in out.parent.iterdir())
        if not set(left) <= {"pool.h5", "pool.h5.spool"}:
            raise FaultError(f"left {left}")
        if out.exists():
            if out.read_bytes() != (root / "whole.h5").read_bytes():
                raise FaultError("the pool has other bytes")
            outcomes["whole"] += 1
            return outcomes
        outcomes["resumes"] += "pool.h5.spool" in left


def owner(out: Path) -> int | None:
    """Process that holds the spool."""
    try:
        return int(json.loads((out.with_name(out.name + ".spool") / "owner.json").read_text())["pid"])
    except (OSError, ValueError):
        return None


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


def link_loop(root: Path) -> str:
    lip = root / "loop"
    shutil.copytree(root / "LIP", lip)
    (lip / "train_images" / "again").symlink_to(lip)
    (lip / "train_segmentations" / "up").symlink_to("..")
    (lip / "self").symlink_to("self")
    found = len(find_lip(lip))
    shutil.rmtree(lip)
    if found != ITEMS:
        raise FaultError(f"{found} items of {ITEMS} were found")
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


if __name__ == "__main__":
    main()
