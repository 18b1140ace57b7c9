"""Draw what the filters reject and what they barely keep, a row per reason.

python docs/figures/filters.py --out docs/filters.png                      synthetic people
python docs/figures/filters.py --lip ./LIP --out /tmp/filters.png          a real data set, to judge thresholds
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from partpool import ASDA26, FilterConfig, find_lip
from partpool.filters.config import REASONS, Measures
from partpool.filters.judging import judge
from partpool.pool.contact_sheet import draw_part
from partpool.pool.part import Part
from partpool.segment.segmenter import Segmenter
from partpool.sources import Item
from partpool.sources.decoding import read_image, read_label_map
from partpool.sources.reading import MAX_FILE
from partpool.synthetic.people import write_lip_dataset

TILE = 96
CAPTION = 30


def measure(reason: str, config: FilterConfig, name: str, seen: Measures) -> tuple[float, float]:
    """What a reason looks at, and its threshold, both so that smaller is worse."""
    short, long = sorted((seen.width, seen.height))
    return {
        "small": (seen.area, config.min_area),
        "scattered": (seen.largest, config.largest_share(name)),
        "thin": (min(short / config.min_side, config.max_aspect * short / long), 1.0),
        "sparse": (seen.area / (seen.width * seen.height), config.min_fill),
        "ragged": (-seen.raggedness, -config.raggedness(name)),
        "truncated": (-seen.border, -config.max_border),
        "flat": (seen.texture, config.min_texture),
        "duplicate": (0.0, 0.0),
    }[reason]


def segments(item: Item, config: FilterConfig) -> Iterator[tuple[str, str | None, Measures, Part]]:
    """Class, reason, measures and part of every candidate of an item."""
    assert item.image
    assert item.labels
    label_map = read_label_map(item.labels.read(MAX_FILE)[0], ASDA26.scheme)
    image = read_image(item.image.read(MAX_FILE)[0], (label_map.shape[1], label_map.shape[0]))
    found = Segmenter(ASDA26)(label_map)
    for judged in judge(found, image, ASDA26, config) if found else ():
        x0, y0, x1, y1 = judged.box
        segment = judged.segment
        mask = found.regions.mask(segment.members, segment.box) != 0 if found else np.zeros(0, bool)
        rgb = np.ascontiguousarray(image[y0:y1, x0:x1, ::-1])
        box = np.array(judged.box, np.int32)
        name = ASDA26.names[segment.class_id]
        yield name, judged.reason, judged.measured, Part(rgb, mask, segment.class_id, name, box, box, item.name)


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lip", type=Path)
    parser.add_argument("--limit", type=int, default=800)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.lip is None:
            write_lip_dataset(Path(folder), 120, seed=1)
        source = find_lip(options.lip or folder)
        rows = collect(source.items[: options.limit], options.columns)
    # A palette keeps the file small enough for a repository.
    Image.fromarray(draw(rows, options.columns)).quantize(64).save(options.out, optimize=True)


Tile = tuple[str, float, Part]


def collect(items: tuple[Item, ...], columns: int) -> dict[str, list[Tile]]:
    """For every reason random rejected parts; and the kept parts that came nearest to it."""
    config, rng = FilterConfig(), np.random.default_rng(0)
    rejected: dict[str, list[Tile]] = defaultdict(list)
    kept: dict[str, list[tuple[float, Tile]]] = defaultdict(list)
    for item in items:
        for name, reason, seen, part in segments(item, config):
            if reason is not None:
                rejected[reason].append((name, abs(measure(reason, config, name, seen)[0]), part))
                continue
            for other in REASONS[:-1]:
                value, threshold = measure(other, config, name, seen)
                if other == "ragged" and name in config.smooth_classes:
                    continue
                margin = (value - threshold) / max(abs(threshold), 1e-9)
                kept[other].append((margin, (name, abs(value), part)))
                kept[other] = sorted(kept[other], key=lambda entry: entry[0])[:columns]
    rows = {}
    for reason in REASONS:
        tiles = rejected[reason]
        chosen = rng.choice(len(tiles), min(columns, len(tiles)), replace=False) if tiles else ()
        if tiles:
            rows[f"{reason}: {len(tiles)} rejected"] = [tiles[index] for index in chosen]
        if reason in kept:
            rows[f"{reason}: nearest kept"] = [tile for _, tile in kept[reason]]
    return rows


def draw(rows: dict[str, list[Tile]], columns: int) -> NDArray[np.uint8]:
    """A row of captioned tiles per entry."""
    left, step = 200, TILE + 8
    sheet = Image.new("RGB", (left + columns * step, len(rows) * (step + CAPTION)), "white")
    pen = ImageDraw.Draw(sheet)
    for line, (title, tiles) in enumerate(rows.items()):
        top = line * (step + CAPTION) + 4
        pen.text((8, top + 40), title, fill="black", font=ImageFont.load_default(15))
        for place, (name, value, part) in enumerate(tiles):
            x = left + place * step
            tile = cv2.resize(draw_part(part, max(TILE, *part.mask.shape)), (TILE, TILE), interpolation=cv2.INTER_AREA)
            sheet.paste(Image.fromarray(tile), (x, top))
            pen.text((x, top + TILE), f"{name[:15]}\n{value:.3g}", fill="gray", font=ImageFont.load_default(11))
    return np.asarray(sheet)


if __name__ == "__main__":
    main()
