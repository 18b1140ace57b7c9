"""A long training's worth of samples through ASDADataset and a DataLoader: memory, file handles, labels.

    python -m benchmarks.long_run --samples 1000000

Small pictures of synthetic people, of which only the keypoints matter, are read for as many epochs as it takes. Memory
and open files are those of the training process and its workers, as Linux counts them. The exit code is 1 if a label
was changed, a file was left open, or memory grew by more than a tenth after the first tenth of all samples.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from asda_aug import ASDADataset
from partpool import build, find_lip
from partpool.synthetic.people import draw_person, write_lip_dataset

EPOCH = 10_000
"""Samples of the base data set, at most."""
BATCH = 100
GROWTH = 1.1
LOOKS = 5


class SmallPeople(Dataset[Any]):
    """Pictures of a few people, and keypoints that are different for every index."""

    def __init__(self, count: int) -> None:
        self._count = count
        people = [draw_person(np.random.default_rng(seed)) for seed in range(16)]
        self._images = [np.ascontiguousarray(person.image[::6, ::6][:64, :48]) for person in people]

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> dict[str, Any]:
        image = np.zeros((64, 48, 3), np.uint8)
        picture = self._images[index % len(self._images)]
        image[: picture.shape[0], : picture.shape[1]] = picture
        return {"image": image, "keypoints": keypoints_of(index), "index": index}


def keypoints_of(index: int) -> np.ndarray:
    """Of 16 joints x, y and visible, float32 [16, 3]."""
    rng = np.random.default_rng(index)
    return np.concatenate([rng.uniform(0, 48, (16, 2)), rng.integers(0, 3, (16, 1))], axis=1).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_lip_dataset(folder / "LIP", 40)
        build(find_lip(folder / "LIP"), folder / "pool.h5", max_side=64)
        sys.exit(run(folder / "pool.h5", options.samples, options.workers))


def run(pool: Path, samples: int, workers: int) -> bool:
    """Read so many samples and print what happens; returns whether something was wrong."""
    epoch = min(EPOCH, samples // 10)
    data = ASDADataset(SmallPeople(epoch), pool, seed=0)
    loader = DataLoader(data, BATCH, shuffle=True, num_workers=workers, persistent_workers=workers > 0)
    expected = np.stack([keypoints_of(index) for index in range(epoch)])
    began, done, changed = time.monotonic(), 0, 0
    seen: list[tuple[float, int]] = []
    while done < samples:
        for batch in loader:
            changed += int((batch["keypoints"].numpy() != expected[batch["index"].numpy()]).any(axis=(1, 2)).sum())
            done += len(batch["index"])
        # Between two epochs no batch is on its way, which would hold files open.
        if done * 10 // samples > len(seen):
            seen.append(settled_usage())
            memory, files = seen[-1]
            rate = done / (time.monotonic() - began)
            print(f"{done:>10,} samples, {rate:,.0f}/s: {memory:.0f} MiB, {files} open files", flush=True)
    stats = data.stats()
    print(f"pasted over {stats['touched']:,} of {stats['samples']:,} samples read")
    grew, opened = seen[-1][0] / seen[0][0], seen[-1][1] - seen[0][1]
    print(f"after the first tenth: memory {grew:.3f} x, {opened:+d} open files; {changed} labels changed")
    return bool(changed) or opened > 0 or grew > GROWTH


def settled_usage() -> tuple[float, int]:
    """Usage without the files of the last batch, which a worker closes a moment after they were received."""
    memory, files = usage()
    for _ in range(LOOKS):
        time.sleep(0.05)
        files = min(files, usage()[1])
    return memory, files


def usage() -> tuple[float, int]:
    """MiB of memory, and open files, of this process and its children; shared memory counts once for each."""
    children = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    memory, files = 0.0, 0
    for pid in (str(os.getpid()), *children):
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        memory += int(fields["VmRSS"].split()[0]) / 1024
        files += len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return memory, files


if __name__ == "__main__":
    main()
