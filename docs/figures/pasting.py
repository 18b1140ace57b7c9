"""Draw what the augmentations do to the same synthetic people, a row each.

python docs/figures/pasting.py --out docs/pasting.png
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from asda_aug import ROR, Cutout, JointPlacer, PasteParts, RectanglePaste, Scene
from asda_aug.occluders.occluder import Occluder
from asda_aug.occluders.preview import draw_cell
from asda_aug.sampling.seeds import sample_generator
from partpool import PartPool, build, find_lip
from partpool.synthetic.people import draw_person, write_lip_dataset
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

SIZE = (192, 256)
COLUMNS = 6
SHRINK = 0.75
CLASSES = ("head", "upper-body-with-head", "lower-body", "left-arm", "right-leg-with-shoe", "whole-body")


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    scenes = [crop(seed) for seed in range(COLUMNS)]
    with tempfile.TemporaryDirectory() as folder:
        write_lip_dataset(Path(folder, "LIP"), 60, seed=3)
        build(find_lip(Path(folder, "LIP")), Path(folder, "pool.h5"))
        rows = [row(name, occluder, scenes) for name, occluder in augmentations(PartPool(Path(folder, "pool.h5")))]
    sheet = np.concatenate(rows)
    small = cv2.resize(sheet, None, fx=SHRINK, fy=SHRINK, interpolation=cv2.INTER_AREA)
    Image.fromarray(small).quantize(128).save(options.out, optimize=True)


def augmentations(pool: PartPool) -> list[tuple[str, Occluder]]:
    """What is compared; the same random numbers make the same parts in all rows that paste any."""
    options: dict[str, Any] = {"classes": CLASSES, "min_parts": 1}
    parts = PasteParts(pool, **options)
    return [
        ("SDA: PasteParts(pool)", parts),
        ("around joints: placer=JointPlacer()", PasteParts(pool, **options, placer=JointPlacer())),
        ('blend="harmonize"', PasteParts(pool, **options, blend="harmonize", harmonize_strength=0.9)),
        ("RectanglePaste(like=SDA)", RectanglePaste(parts)),
        ("Cutout(like=SDA), equal area", Cutout(parts)),
        ("ROR()", ROR(num_patches=2)),
    ]


def crop(seed: int) -> Scene:
    """A person in the middle of a crop."""
    person = draw_person(np.random.default_rng((11, seed)), "whole")
    scale = np.array(SIZE) / person.image.shape[1::-1]
    image = cv2.resize(person.image, SIZE, interpolation=cv2.INTER_AREA)
    points = person.keypoints[:, :2] * scale
    return Scene(image, points, labelled=person.keypoints[:, 2] > 0, keypoint_names=MPII_KEYPOINTS)


def row(name: str, occluder: Occluder, scenes: list[Scene]) -> NDArray[np.uint8]:
    """One augmentation of all people."""
    cells = []
    for number, scene in enumerate(scenes):
        after = copy.copy(scene)
        pastes = occluder.draw(after, sample_generator(1, 0, number))
        covered = occluder.apply(after, pastes)
        what = ", ".join(paste.name for paste in pastes)
        cells.append(draw_cell(after, covered, (name if number == 0 else "", what)))
    return np.concatenate(cells, axis=1)


if __name__ == "__main__":
    main()
