"""Figures of pasting, each beside its reference in the same run.

    python -m benchmarks.paste                                   a pool of synthetic people
    python -m benchmarks.paste --pool pool.h5 --photo photo.jpg  your pool, and samples read from your photograph
    python -m benchmarks.paste --memory                          also 10⁵ samples through the data set

One thread. The references are measured in turn with ours, round by round, and medians of rounds are shown:
the full-frame NumPy way (warp patch and mask over the whole image, composite in float), which the reference
implementation of ASDA takes, and AlbumentationsX's CopyAndPaste, if it is installed (AGPL: for this comparison only).
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from asda_aug import ASDADataset, PasteParts, Scene, to_cv2
from asda_aug.occluders.occluder import Paste
from asda_aug.pasting.compiled import COMPILED
from asda_aug.pasting.warp import warp
from asda_aug.sampling.seeds import sample_generator
from partpool import Part, PartPool, build, find_lip
from partpool.synthetic.people import draw_person, write_lip_dataset

ROUNDS, WARM_UP, CALLS, DRAWS, SAMPLES = 25, 10, 40, 1000, 32
SYNTHETIC_SIDE = 176
"""Synthetic people are large: shrunk to this, the parts drawn of them have 12,000 pixels, like those of photographs."""
MEAN, STD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pool", type=Path, help="a pool file; default: synthetic people")
    parser.add_argument("--photo", type=Path, help="a photograph to read samples from; default: a drawn person")
    parser.add_argument("--memory", action="store_true", help="also run 10⁵ samples and watch the memory")
    options = parser.parse_args()
    if options.photo and not cv2.haveImageReader(str(options.photo)):
        parser.error(f"{options.photo} is not a picture that OpenCV can read")
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder:
        pool = PartPool(options.pool or synthetic_pool(Path(folder)))
        loops = "compiled" if COMPILED else "not compiled"
        print(f"{pool!r}, OpenCV {cv2.__version__}, torch {torch.__version__}, loops {loops}")
        single_paste(pool)
        sample_cost(pool, options.photo or drawn_photograph(Path(folder)))
        if options.memory:
            memory(pool)


def synthetic_pool(folder: Path) -> Path:
    """A pool built in another process: what building leaves behind in the allocator would flatter what is measured."""
    builder = multiprocessing.get_context("spawn").Process(target=write_pool, args=(folder,))
    builder.start()
    builder.join()
    return folder / "pool.h5"


def write_pool(folder: Path) -> None:
    write_lip_dataset(folder / "LIP", 100, seed=0)
    build(find_lip(folder / "LIP"), folder / "pool.h5", max_side=SYNTHETIC_SIDE)


def drawn_photograph(folder: Path) -> Path:
    """A drawn person as a picture of MPII's usual size."""
    picture = cv2.resize(draw_person(np.random.default_rng(0), "whole").image, (1280, 720))
    cv2.imwrite(str(folder / "photo.jpg"), picture)
    return folder / "photo.jpg"


class Timed:
    """A pool that notes the seconds that each read takes, to leave reading out of a figure."""

    def __init__(self, pool: PartPool) -> None:
        self._pool = pool
        self._reads: list[float] = []

    def later(self, index: int) -> Part:
        """A part, read at once."""
        began = time.perf_counter()
        part = self._pool[index]
        self._reads.append(time.perf_counter() - began)
        return part

    def seconds(self) -> float:
        """Median over rounds of what a read took, leaving out the warm-up of each, as ``alternate`` does."""
        return float(np.median(np.reshape(self._reads, (ROUNDS, WARM_UP + CALLS))[:, WARM_UP:].mean(axis=1)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def alternate(contestants: dict[str, Callable[[int], object]]) -> dict[str, NDArray[np.float64]]:
    """Seconds per call in each round, measured in turn, once the memory of the one before is out of the way."""
    numbers: Iterator[int] = iter(range(10**9))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(ROUNDS):
        for name, run in contestants.items():
            for _ in range(WARM_UP):
                run(next(numbers))
            began = time.perf_counter()
            for _ in range(CALLS):
                run(next(numbers))
            times[name].append((time.perf_counter() - began) / CALLS)
    return {name: np.array(values) for name, values in times.items()}


def single_paste(pool: PartPool) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (256, 256, 3), np.uint8)
    points = rng.uniform(0, 256, (16, 2))
    ours, timed = PasteParts(pool), PasteParts(pool)
    timed.pool = reads = Timed(pool)  # type: ignore[assignment]
    places = [ours.draw(Scene(image, points), sample_generator(1, 0, number))[0] for number in range(DRAWS)]
    sizes = [paste.part.mask.size for paste in places]
    rectangles = [drawn.alpha.size for paste in places if (drawn := warp(paste.part, paste.matrix, (256, 256)))]
    canvas = image.copy()

    def in_place(number: int) -> None:
        scene = Scene(canvas, points)
        ours.apply(scene, ours.draw(scene, sample_generator(1, 0, number % DRAWS)), inplace=True)

    contestants: dict[str, Callable[[int], object]] = {
        "memcpy": lambda _: image.copy(),
        "ours": lambda number: ours.augment(Scene(image, points), sample_generator(1, 0, number % DRAWS)),
        "in place": in_place,
        "timed": lambda number: timed.augment(Scene(image, points), sample_generator(1, 0, number % DRAWS)),
        "full frame": lambda number: full_frame(image, places[number % DRAWS]),
    }
    albumentations = copy_and_paste(image, points, places)
    if albumentations is not None:
        contestants["CopyAndPaste"] = albumentations
    took = {name: float(np.median(times)) for name, times in alternate(contestants).items()}
    decoded = took["timed"] - reads.seconds()
    print(
        "\nOne part on 256 x 256 uint8: draw, warp, edge, composite, coverage of 16 keypoints; copy of image included\n"
        f"  patches of {np.mean(sizes):,.0f} pixels, drawn as rectangles of {np.mean(rectangles):,.0f} pixels"
    )
    print(f"  from a decoded part     {decoded * 1e6:6.0f} us (goal: 120)")
    print(f"  with the pool read      {took['ours'] * 1e6:6.0f} us (goal: 200)")
    print(f"  the same in place       {took['in place'] * 1e6:6.0f} us")
    print(f"  memcpy of the image     {took['memcpy'] * 1e6:6.0f} us")
    print(
        f"  full-frame NumPy way    {took['full frame'] * 1e6:6.0f} us: "
        f"{took['full frame'] / decoded:.1f} times as long (goal: 8)"
    )
    if "CopyAndPaste" in took:
        print(
            f"  CopyAndPaste            {took['CopyAndPaste'] * 1e6:6.0f} us: "
            f"{took['CopyAndPaste'] / decoded:.1f} times as long (goal: 4)"
        )
    else:
        print("  CopyAndPaste            not installed (pip install albumentationsx)")


def full_frame(image: NDArray[np.uint8], paste: Paste) -> NDArray[np.uint8]:
    """Patch and mask warped over the whole image, eroded, blurred and composited in float."""
    size = image.shape[1::-1]
    matrix = to_cv2(paste.matrix)
    colour = cv2.warpAffine(paste.part.rgb, matrix, size)
    mask = cv2.warpAffine(paste.part.mask.astype(np.float32), matrix, size)
    mask = cv2.GaussianBlur(cv2.erode(mask, np.ones((3, 3), np.uint8)), (3, 3), 0)[..., None]
    return (colour * mask + image * (1 - mask)).astype(np.uint8)


def copy_and_paste(
    image: NDArray[np.uint8], points: NDArray[np.float64], places: list[Paste]
) -> Callable[[int], object] | None:
    """The same job for AlbumentationsX: one donor with a soft edge, 16 keypoints; scaled to its size beforehand."""
    try:
        import albumentations
    except ImportError:
        return None
    if not hasattr(albumentations, "CopyAndPaste"):
        return None
    transform = albumentations.Compose(
        [albumentations.CopyAndPaste(blend_mode="gaussian", p=1)],
        keypoint_params=albumentations.KeypointParams(coord_format="xy", remove_invisible=False),
    )
    donors = [donor(paste) for paste in places]
    return lambda number: transform(image=image, keypoints=points, copy_paste_metadata=[donors[number % len(donors)]])


def donor(paste: Paste) -> dict[str, NDArray[np.uint8]]:
    scale = float(np.sqrt(np.linalg.det(paste.matrix[:, :2])))
    height, width = paste.part.mask.shape
    size = max(2, round(scale * width)), max(2, round(scale * height))
    mask = paste.part.mask.astype(np.uint8)
    return {"image": cv2.resize(paste.part.rgb, size), "mask": cv2.resize(mask, size, interpolation=cv2.INTER_NEAREST)}


class PersonCrops:
    """What HRNet's data set does to make a training image: read, decode, crop, ``ToTensor`` and ``Normalize``."""

    class transform:  # noqa: N801 - as data sets call it
        """A normalising transform."""

        mean, std = MEAN.tolist(), STD.tolist()

    color_rgb = True

    def __init__(self, photograph: Path) -> None:
        self._photograph = str(photograph)
        self._crop = np.array([[0.35, 0.02, -90.0], [-0.02, 0.35, 10.0]])

    def __len__(self) -> int:
        return 10**6

    def __getitem__(self, index: int) -> Any:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        picture = cv2.cvtColor(cv2.imread(self._photograph, flags), cv2.COLOR_BGR2RGB)
        crop = cv2.warpAffine(picture, self._crop, (256, 256), flags=cv2.INTER_LINEAR)
        # The steps of torchvision's two transforms, each with the copy that it makes.
        tensor = torch.from_numpy(crop.transpose(2, 0, 1)).contiguous().float().div(255).clone()
        tensor.sub_(torch.from_numpy(MEAN)[:, None, None]).div_(torch.from_numpy(STD)[:, None, None])
        joints, seen = np.random.default_rng(index).uniform(0, 256, (16, 3)), np.ones((16, 3))
        return tensor, torch.zeros(16, 64, 64), torch.ones(16, 1), {"joints": joints, "joints_vis": seen}


def sample_cost(pool: PartPool, photograph: Path) -> None:
    base = PersonCrops(photograph)
    copying, inplace = ASDADataset(base, pool, seed=0), ASDADataset(base, pool, seed=0, inplace=True)

    def batch(number: int) -> list[int]:
        return list(range(number * SAMPLES, (number + 1) * SAMPLES))

    contestants: dict[str, Callable[[int], object]] = {
        f"in batches of {SAMPLES}, as a DataLoader fetches them (goal: 8)": lambda n: copying.__getitems__(batch(n)),
        "the same with inplace=True (goal: 6)": lambda n: inplace.__getitems__(batch(n)),
        "one by one": lambda n: [copying[index] for index in batch(n)],
    }
    print("\nHRNet-style sample: JPEG decode 1280 x 720, person crop 256 x 256, normalise")
    for rounds, (name, run) in zip((8 * ROUNDS, 8 * ROUNDS, 2 * ROUNDS), contestants.items(), strict=True):
        alone, ratios = paired(lambda n: [base[index] for index in batch(n)], run, rounds)
        low, middle, high = np.quantile(100 * (ratios - 1), (0.25, 0.5, 0.75))
        # Of a median, as of a normal distribution that has these quartiles.
        error = 0.93 * (high - low) / np.sqrt(rounds)
        print(f"  {alone / SAMPLES * 1e3:.2f} ms, and ASDADataset adds {middle:4.1f} % ± {error:.1f}: {name}")


def paired(
    alone: Callable[[int], object], wrapped: Callable[[int], object], rounds: int
) -> tuple[float, NDArray[np.float64]]:
    """Median seconds of the first, and the second's ratio to it in each round.

    A machine is faster in one second than in the next: both are measured right after each other, in changing order.
    """
    seconds = np.empty((rounds, 2))
    alone(0)
    wrapped(0)
    for number in range(rounds):
        for which in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            (alone, wrapped)[which](1 + 2 * number + which)
            seconds[number, which] = time.perf_counter() - began
    return float(np.median(seconds[:, 0])), seconds[:, 1] / seconds[:, 0]


def memory(pool: PartPool, samples: int = 100_000) -> None:
    rng = np.random.default_rng(0)
    image, points = rng.integers(0, 256, (256, 256, 3), np.uint8), rng.uniform(0, 256, (16, 2))

    class Same:
        def __len__(self) -> int:
            return samples

        def __getitem__(self, index: int) -> Any:
            return image, points

    wrapped, peaks = ASDADataset(Same(), pool, seed=0), []
    for number in range(samples):
        wrapped[number]
        if number in (samples // 10, samples - 1):
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    print(f"\nPeak memory after {samples // 10:,} samples {peaks[0]:.0f} MiB, after {samples:,} {peaks[1]:.0f} MiB")


if __name__ == "__main__":
    main()
