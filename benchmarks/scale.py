"""Figures of scale: builds by several workers and by a Dask cluster, merging, and a pool of a million parts.

    python -m benchmarks.scale --photos PHOTOS

Rates are ratios to one process in the same run. The cluster runs already when its build begins, as a cluster does; the
processes are started within the measured time. Peak memory is that of a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from partpool import ASDA26, PartPool, build, find_lip, merge
from partpool.pool.file import PoolFile
from partpool.pool.format import PATCH_COLUMNS, ROW_BYTES
from partpool.pool.outcomes import Counts
from partpool.pool.sorted_parts import LENGTH
from partpool.pool.writer import Header, pack
from partpool.sources import Source
from partpool.synthetic.people import write_lip_dataset

Array = NDArray[Any]
ROUNDS = 3
UNPROFILED = {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False"}
"""What docs/scale.md recommends for workers: Dask's profiler looks at what they do a hundred times a second."""
PARTS_PER_SOURCE = 8
"""LIP gives 8 parts per person."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, help="photographs in LIP layout; otherwise synthetic people are built")
    parser.add_argument("--items", type=int, default=1500, help="items of the builds")
    parser.add_argument("--parts", type=int, default=1_000_000, help="parts of the large pool")
    parser.add_argument("--only", choices=("build", "memory", "pool"), help="one section")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        if options.only in (None, "build", "memory"):
            base = find_lip(options.photos) if options.photos else people(folder / "people", 100)
            if options.only in (None, "build"):
                build_rates(repeated(base, folder / "many", options.items), folder)
            if options.only in (None, "memory"):
                memory_of_builds(base, folder, (options.items // 10, options.items))
        if options.only in (None, "pool"):
            large_pools(folder, (options.parts // 10, options.parts))


def people(root: Path, count: int) -> Source:
    write_lip_dataset(root, count)
    return find_lip(root)


def repeated(source: Source, root: Path, count: int) -> Source:
    """The same pairs many times; bytes behind the end marker make each copy an item of its own."""
    for name in ("train_images", "train_segmentations"):
        (root / name).mkdir(parents=True)
    for number in range(count):
        item = source[number % len(source)]
        assert item.image
        assert item.labels
        data = item.image.path.read_bytes() + number.to_bytes(4, "little")
        (root / "train_images" / f"{number:07d}.jpg").write_bytes(data)
        shutil.copy(item.labels.path, root / "train_segmentations" / f"{number:07d}.png")
    return find_lip(root)


def seconds(function: Callable[[], object]) -> float:
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[str]:
    """Address of a Dask scheduler with that many worker processes of one thread each."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    scheduler = subprocess.Popen([*command, "--no-dashboard", "--scheduler-file", str(file)], **quiet)
    while not file.exists():
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nworkers", str(workers)]
    command += ["--nthreads", "1", "--no-dashboard", "--local-directory", str(folder)]
    nanny = subprocess.Popen(command, env=os.environ | UNPROFILED, **quiet)
    try:
        from distributed import Client

        with Client(address) as client:
            client.wait_for_workers(workers)
        yield address
    finally:
        nanny.terminate()
        nanny.wait()
        scheduler.terminate()
        scheduler.wait()
        file.unlink(missing_ok=True)


def build_rates(source: Source, folder: Path) -> None:
    print(f"Building {len(source):,} items")
    out = folder / "rate.h5"
    with cluster(folder, 2) as address:
        ways: dict[str, dict[str, Any]] = {
            "in this process": {}, "1 process": {"workers": 1}, "2 processes": {"workers": 2},
            "Dask, 2 workers": {"scheduler": address},
        }  # fmt: skip
        times: dict[str, list[float]] = {name: [] for name in ways}
        for name, way in ways.items():
            build(source.limit(64), out, overwrite=True, **way)
            times[name].clear()
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(seconds(lambda way=way: build(source, out, overwrite=True, **way)))
    one = statistics.median(times["in this process"])
    for name, took in times.items():
        middle = statistics.median(took)
        goal = " (goal: 1.6)" if name.startswith("Dask") else ""
        print(f"  {name}: {len(source) / middle:.0f} items/s, {one / middle:.2f} x{goal}")
    size = out.stat().st_size
    parts = len(PartPool(out))
    per_item = f"{parts / len(source):.1f} parts and {size / len(source) / 1e3:.1f} kB per item"
    print(f"  {per_item}, {size / parts:,.0f} B per part")


MEMORY = """
import resource, sys
from partpool import build, find_lip, merge
if __name__ == "__main__":
    what, out, *inputs = sys.argv[1:]
    if what == "merge":
        merge(inputs, out, overwrite=True)
    else:
        how = {"scheduler": what} if ":" in what else {"workers": int(what)}
        build(find_lip(inputs[0]), out, overwrite=True, **how)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def peak(folder: Path, *args: object) -> float:
    """Peak memory of a process that does this, in MiB."""
    script = folder / "memory.py"
    script.write_text(MEMORY)
    command = [sys.executable, str(script), *map(str, args)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def memory_of_builds(base: Source, folder: Path, counts: tuple[int, int]) -> None:
    print("\nPeak memory of the driver of a build")
    few, many = (folder / f"items-{count}" for count in counts)
    for count, root in zip(counts, (few, many), strict=True):
        repeated(base, root, count)
    with cluster(folder, 2) as address:
        for name, how in (("in this process", 0), ("2 processes", 2), ("Dask, 2 workers", address)):
            small, large = (peak(folder, how, folder / "memory.h5", root) for root in (few, many))
            print(f"  {name}: {counts[0]:,} items {small:.0f} MiB, {counts[1]:,} items {large:.0f} MiB")


class MadeRun:
    """Parts of made-up people; their patches are those of a small pool, again and again.

    Args:
        file: The small pool.
        number: Number of the run, which becomes part of its sources' names.
        parts: How many.
    """

    def __init__(self, file: PoolFile, number: int, parts: int) -> None:
        self._file, self._first_source = file, number * 10**7
        classes = len(file.taxonomy)
        self.start = np.linspace(0, parts, classes + 1).astype(np.int64)
        self._sources = max(1, parts // PARTS_PER_SOURCE)
        ids = self._first_source + np.arange(self._sources)
        self.sources = {
            "name": np.char.mod("train_images/%09d.jpg", ids).astype("S"),
            "width": np.full(self._sources, 4000, np.uint32),
            "height": np.full(self._sources, 4000, np.uint32),
            "digest": np.stack([ids, ids * 7919], axis=1).astype(">u8").view(np.uint8),
        }
        self.names = frozenset(column.name for column in PATCH_COLUMNS if column.required) | {LENGTH}
        self.counts = Counts({(k, "kept"): int(n) for k, n in enumerate(np.diff(self.start))})
        self.newest = 0.0

    def _template(self, rows: Array) -> tuple[Array, Array]:
        """For every part its class, and the row of the small pool that it repeats."""
        class_id = np.searchsorted(self.start, rows, "right") - 1
        first, last = (self._file["start"].astype(np.int64)[class_id + step] for step in (0, 1))
        return class_id, first + (rows - self.start[class_id]) % np.maximum(1, last - first)

    def column(self, name: str, first: int, last: int) -> Array:
        """As any run's."""
        rows = np.arange(first, last)
        class_id, template = self._template(rows)
        if name == "source":
            many = self.start[class_id + 1] - self.start[class_id]
            return ((rows - self.start[class_id]) * self._sources // many).astype(np.uint32)
        if name == LENGTH:
            return np.diff(self._file["offset"])[template]
        return self._file[name][template]

    def pieces(self, rows: Array) -> Iterator[bytes]:
        """As any run's."""
        for chunk in np.array_split(rows, max(1, len(rows) // 1000)):
            yield b"".join(self._file.patch_bytes(int(row)) for row in self._template(chunk)[1])


def made_pools(file: PoolFile, folder: Path, parts: int, files: int) -> list[Path]:
    paths = []
    for number in range(files):
        run = MadeRun(file, number, parts // files)
        sources = len(run.sources["name"])
        header = Header(ASDA26, file.attributes["config"], {**file.attributes["source"], "n_items": sources}, {})
        paths.append(folder / f"made-{parts}-{number}.h5")
        pack([run], folder / "partial", paths[-1], header, overwrite=True)
    return paths


def large_pools(folder: Path, counts: tuple[int, int]) -> None:
    write_lip_dataset(folder / "few", 40, seed=2)
    build(find_lip(folder / "few"), folder / "few.h5", max_side=64)
    file = PoolFile(folder / "few.h5")
    print(f"\nPools of many parts ({file.blob_bytes / len(file):,.0f} B each, {ROW_BYTES} B of columns)")
    reads = {}
    for count in counts:
        paths = made_pools(file, folder, count, 8)
        out = folder / f"merged-{count}.h5"
        took = seconds(lambda paths=paths, out=out: merge(paths, out))
        size = out.stat().st_size
        memory = peak(folder, "merge", folder / "again.h5", *paths)
        opened = statistics.median(seconds(lambda out=out: PartPool(out)) for _ in range(9))
        draw, reads[count] = draw_and_read(out)
        with h5py.File(out) as merged:
            assert len(merged["patches/class_id"]) == sum(len(PoolFile(path)) for path in paths)
        print(
            f"  {count:,} parts in 8 files: merged in {took:.1f} s ({count / took:,.0f} parts/s, "
            f"{size / took / 1e6:,.0f} MB/s), peak memory {memory:.0f} MiB; opened in "
            f"{opened * 1e3:.1f} ms (goal: 50); drawing a part {draw:.1f} us, reading it {reads[count]:.0f} us"
        )
        for path in (*paths, out, folder / "again.h5"):
            path.unlink()
    few, many = counts
    print(f"  reading a part of {many:,} over one of {few:,}: {reads[many] / reads[few]:.2f} x (goal: 1)")


def draw_and_read(path: Path) -> tuple[float, float]:
    """Microseconds to draw a class and a part of it, and to read that part; its pages are warm."""
    pool, rng = PartPool(path), np.random.default_rng(0)
    of_class = [pool.indices(part.name) for part in pool.classes if pool.count(part.name)]
    chosen: list[int] = []

    def draw() -> None:
        rows = of_class[rng.integers(len(of_class))]
        chosen.append(int(rows[rng.integers(len(rows))]))

    drawing = seconds(lambda: [draw() for _ in range(2000)]) / 2000
    for index in chosen:
        pool[index]
    reading = statistics.median(seconds(lambda index=index: pool[index]) for index in chosen)
    return drawing * 1e6, reading * 1e6


if __name__ == "__main__":
    main()
