"""Finding images and their label maps. Nothing is decoded here.

An :class:`Item` is one person in one picture. Items are ordered by name, and their name is the image's POSIX path
below the root, so that the order does not depend on the file system.
"""

from partpool.sources.files import SourceFile
from partpool.sources.items import Item, Source
from partpool.sources.lip import LIP_COUNTS, LIP_LICENSE, Split, find_lip
from partpool.sources.pairs import find_masks, find_pairs

__all__ = ["LIP_COUNTS", "LIP_LICENSE", "Item", "Source", "SourceFile", "Split", "find_lip", "find_masks", "find_pairs"]
