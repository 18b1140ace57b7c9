"""Draw what θ does: one number after the other, on a canvas of 192 × 256, beside what a normalised rotation would do.

python docs/figures/geometry.py --out docs/geometry.png
"""

from __future__ import annotations

import argparse
import math
import tempfile
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from asda_aug import Frame, Placement, forward_matrix, paste
from partpool import PartPool, build, find_lip
from partpool.pool.part import Part
from partpool.synthetic.people import draw_person, write_lip_dataset

SIZE = (192, 256)
GAP, CAPTION = 10, 44
FRAME, BOX, AXIS = (255, 255, 255), (230, 60, 60), (30, 30, 30)
DIAGONAL = 130.0
STEPS = (
    ("s, r, tx, ty = 1, 0, 0, 0", Placement()),
    ("s = 1.5", Placement(s=1.5)),
    ("r = 45°", Placement(r=math.pi / 4)),
    ("tx = 0.5", Placement(tx=0.5)),
    ("ty = 0.5", Placement(ty=0.5)),
    ("0.7, -30°, -0.5, -0.5", Placement(0.7, -math.pi / 6, -0.5, -0.5)),
)


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    part, frame = find_part(), Frame.of_image(*SIZE)
    person = cv2.resize(draw_person(np.random.default_rng(5), "whole").image, SIZE, interpolation=cv2.INTER_AREA)
    size = (part.mask.shape[1], part.mask.shape[0])
    cells = [cell(person, part, forward_matrix(theta, size, DIAGONAL, frame), title) for title, theta in STEPS]
    sheared = in_normalised_coordinates(forward_matrix(Placement(), size, DIAGONAL, frame), math.pi / 4)
    cells.append(cell(person, part, sheared, "45° in normalised coordinates: sheared"))
    Image.fromarray(np.concatenate(cells, axis=1)).quantize(128).save(options.out, optimize=True)


def find_part() -> Part:
    """An upper body of a synthetic person."""
    with tempfile.TemporaryDirectory() as folder:
        write_lip_dataset(Path(folder, "LIP"), 10, seed=3)
        build(find_lip(Path(folder, "LIP")), Path(folder, "pool.h5"))
        pool = PartPool(Path(folder, "pool.h5"))
        return pool[int(pool.indices("upper-body-with-head")[0])]


def in_normalised_coordinates(matrix: NDArray[np.float64], r: float) -> NDArray[np.float64]:
    """The same map followed by a rotation in coordinates of −1 … 1, which are not square."""
    half = np.array(SIZE) / 2
    turn = np.array([[math.cos(r), -math.sin(r)], [math.sin(r), math.cos(r)]]) * half[:, None] / half
    turned: NDArray[np.float64] = turn @ matrix
    turned[:, 2] += half - turn @ half
    return turned


def cell(person: NDArray[np.uint8], part: Part, matrix: NDArray[np.float64], title: str) -> NDArray[np.uint8]:
    """The part on the person, with the frame's axes and the part's box."""
    image, _ = paste(person, [(part, matrix)])
    canvas = Image.new("RGB", (SIZE[0] + GAP, SIZE[1] + CAPTION), "white")
    canvas.paste(Image.fromarray(image), (GAP // 2, 0))
    pen = ImageDraw.Draw(canvas)
    left, (width, height) = GAP // 2, SIZE
    pen.line((left + width / 2, 0, left + width / 2, height), fill=FRAME)
    pen.line((left, height / 2, left + width, height / 2), fill=FRAME)
    rows, columns = part.mask.shape
    corners = np.array([[0, 0, 1], [columns, 0, 1], [columns, rows, 1], [0, rows, 1]]) @ matrix.T
    pen.polygon([(left + x, y) for x, y in corners.tolist()], outline=BOX, width=2)
    words, lines = title.split(" "), [""]
    for word in words:
        if pen.textlength(f"{lines[-1]} {word}", font=ImageFont.load_default(13)) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    pen.text((left, height + 4), "\n".join(lines), fill=AXIS, font=ImageFont.load_default(13))
    return np.asarray(canvas)


if __name__ == "__main__":
    main()
