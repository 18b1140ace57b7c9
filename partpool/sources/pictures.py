"""Which files are pictures, and which image belongs to which label map."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from partpool.sources.files import SourceFile
from partpool.sources.items import Item, normal_name

IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
LABEL_ENDINGS = IMAGE_ENDINGS | {".npy"}
MIRRORED = re.compile(
    r"reversed_labels?|labels?_rev(ersed)?$|_rev_ids$|reversed_segmentations|segmentations_reversed", re.I
)


def files_by_stem(files: Iterable[tuple[str, SourceFile]], endings: frozenset[str]) -> dict[str, list[SourceFile]]:
    """Files with one of the endings, by their path without ending."""
    found: dict[str, list[SourceFile]] = {}
    for path, file in files:
        if ending(path) in endings:
            found.setdefault(stem_of(path), []).append(file)
    return found


def ending(path: str) -> str:
    """Ending of a name, in lower case, with its dot."""
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 - names in archives are no paths


def stem_of(name: str) -> str:
    """A name without a picture's ending, normalised."""
    return normal_name(name[: -len(ending(name))] if ending(name) in LABEL_ENDINGS else name)


def paired_item(folder: str, stem: str, images: list[SourceFile], labels: list[SourceFile]) -> Item:
    """The item of an image and its label map.

    Args:
        folder: What comes before the stem in the item's name.
        stem: Their path without ending.
        images: The image; none if it is missing, several if it is ambiguous.
        labels: The same for the label map.
    """
    problem = None
    for what, files in (("image", images), ("label map", labels)):
        if len(files) > 1:
            problem = f"{len(files)} {what}s share the name: {', '.join(file.name for file in files)}"
    image, label = (files[0] if files else None for files in (images, labels))
    return Item(folder + stem + (_spelt_ending(image) if image else ""), image, label, problem)


def _spelt_ending(image: SourceFile) -> str:
    return os.path.splitext(image.name)[1]  # noqa: PTH122
