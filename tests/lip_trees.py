"""Trees of empty files in the layout of LIP, and what is found in them."""

from __future__ import annotations

from pathlib import Path


def touch(root: Path, *names: str) -> Path:
    """Empty files; finding does not look into them."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def both(*stems: str, split: str = "train") -> list[str]:
    return [f"{split}_{kind}" for stem in stems for kind in (f"images/{stem}.jpg", f"segmentations/{stem}.png")]


def names(source: object) -> list[str]:
    return [item.name for item in source]  # type: ignore[attr-defined]
