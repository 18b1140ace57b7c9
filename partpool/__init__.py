"""Body-part pools from human parsing data.

The names below load what they need when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from partpool._version import __version__

if TYPE_CHECKING:
    from partpool.asda26 import ASDA26, EXTENDED
    from partpool.builder import BuildReport, build
    from partpool.filters import FilterConfig
    from partpool.merging import MergeReport, merge
    from partpool.part import Part
    from partpool.reader import PartPool
    from partpool.schemes import LIP, LabelScheme
    from partpool.sources import Item, find_lip, find_pairs
    from partpool.taxonomy import PartClass, Taxonomy
    from partpool.taxonomy_file import load_taxonomy

_HOMES = {
    "ASDA26": "asda26", "EXTENDED": "asda26", "BuildReport": "builder", "build": "builder", "FilterConfig": "filters",
    "MergeReport": "merging", "merge": "merging", "Part": "part", "PartPool": "reader", "LIP": "schemes",
    "LabelScheme": "schemes", "Item": "sources", "find_lip": "sources", "find_pairs": "sources",
    "PartClass": "taxonomy", "Taxonomy": "taxonomy", "load_taxonomy": "taxonomy_file",
}  # fmt: skip

__all__ = [
    "ASDA26",
    "EXTENDED",
    "LIP",
    "BuildReport",
    "FilterConfig",
    "Item",
    "LabelScheme",
    "MergeReport",
    "Part",
    "PartClass",
    "PartPool",
    "Taxonomy",
    "__version__",
    "build",
    "find_lip",
    "find_pairs",
    "load_taxonomy",
    "merge",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
