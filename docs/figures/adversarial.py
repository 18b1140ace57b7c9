"""Draw what a run of examples/asda_loop wrote: its curves, over some of its people.

python examples/asda_loop/asda_loop.py --plain-steps 700 --steps 450 --warmup 200 --look-every 50 --out /tmp/asda
python docs/figures/adversarial.py /tmp/asda --out docs/adversarial.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image


def main() -> None:
    """Draw the figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the example's --out")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    curves, grid = (Image.open(options.run / name).convert("RGB") for name in ("curves.png", "grid.png"))
    grid = grid.resize((curves.width, round(grid.height * curves.width / grid.width)), Image.Resampling.LANCZOS)
    sheet = Image.new("RGB", (curves.width, curves.height + grid.height))
    sheet.paste(curves)
    sheet.paste(grid, (0, curves.height))
    sheet.quantize(128).save(options.out, optimize=True)


if __name__ == "__main__":
    main()
