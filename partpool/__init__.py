"""Body-part pools from human parsing data.

The names below load what they need when they are first used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from partpool._version import __version__

if TYPE_CHECKING:
    from partpool.building.builder import build
    from partpool.building.merger import MergeReport, merge
    from partpool.building.report import BuildReport
    from partpool.filters.config import FilterConfig
    from partpool.pool.part import Part
    from partpool.pool.reader import PartPool
    from partpool.sources import Item, find_lip, find_pairs
    from partpool.taxonomy.asda26 import ASDA26, EXTENDED
    from partpool.taxonomy.part_classes import PartClass, Taxonomy
    from partpool.taxonomy.schemes import LIP, LabelScheme
    from partpool.taxonomy.toml_file import load_taxonomy

_HOMES = {
    "ASDA26": "taxonomy.asda26",
    "BuildReport": "building.report",
    "EXTENDED": "taxonomy.asda26",
    "FilterConfig": "filters.config",
    "Item": "sources",
    "LIP": "taxonomy.schemes",
    "LabelScheme": "taxonomy.schemes",
    "MergeReport": "building.merger",
    "Part": "pool.part",
    "PartClass": "taxonomy.part_classes",
    "PartPool": "pool.reader",
    "Taxonomy": "taxonomy.part_classes",
    "build": "building.builder",
    "find_lip": "sources",
    "find_pairs": "sources",
    "load_taxonomy": "taxonomy.toml_file",
    "merge": "building.merger",
}

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
