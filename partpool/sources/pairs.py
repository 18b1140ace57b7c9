"""Any data: images and label maps in two folders, paired by name."""

from __future__ import annotations

import os
from pathlib import Path

from partpool.errors import ConfigError, SourceError
from partpool.schemes import SCHEMES, LabelScheme
from partpool.sources.items import Source, ordered
from partpool.sources.pictures import IMAGE_ENDINGS, LABEL_ENDINGS, MIRRORED, by_stem, pair
from partpool.sources.tree import Tree


def find_pairs(images: str | os.PathLike[str], labels: str | os.PathLike[str], scheme: str | LabelScheme) -> Source:
    """Pair images and label maps of any data set by their path without ending, below either folder.

    Args:
        images: Folder or zip archive of photographs, searched recursively.
        labels: Folder or zip archive of label maps, searched recursively.
        scheme: Name of a built-in scheme, or a scheme.

    Raises:
        SourceError: If a folder does not exist, holds mirrored labels, or nothing pairs.
        ConfigError: If there is no such scheme.
    """
    image_tree, label_tree = Tree(Path(images), inside=False), Tree(Path(labels), inside=False)
    if isinstance(scheme, str):
        if scheme not in SCHEMES:
            raise ConfigError(f"there is no scheme {scheme!r}; there are: {', '.join(SCHEMES)}")
        scheme = SCHEMES[scheme]
    _refuse_mirrored(label_tree.root)
    images_of, labels_of = by_stem(image_tree.files, IMAGE_ENDINGS), by_stem(label_tree.files, LABEL_ENDINGS)
    if not images_of:
        raise SourceError(f"{images} holds no images ({', '.join(sorted(IMAGE_ENDINGS))})")
    if not images_of.keys() & labels_of.keys():
        raise SourceError(
            f"no image in {images} has a label map of the same name in {labels}: "
            f"looked for {next(iter(sorted(images_of)))}.png, found {next(iter(sorted(labels_of)), 'nothing')}"
        )
    items = [pair("", stem, files, labels_of.get(stem, [])) for stem, files in images_of.items()]
    notes = [*image_tree.notes, *label_tree.notes]
    unused = len(labels_of.keys() - images_of.keys())
    if unused:
        notes.append(f"{unused} label maps have no image")
    return Source(ordered(items), scheme, "pairs", notes=tuple(notes))


def _refuse_mirrored(labels: Path) -> None:
    # The folder itself, what it links to, and their parents: labels_rev/train is as wrong as labels_rev.
    if any(MIRRORED.search(name) for path in (labels, labels.resolve()) for name in path.parts[-2:]):
        raise SourceError(
            f"{labels} holds labels of the mirrored images (left and right swapped), which do not fit the images; "
            "pass the folder of the original labels"
        )
