"""What the options of ``partpool build`` mean together: the data set, the classes, the thresholds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from partpool.errors import ConfigError
from partpool.filters.config import MAX_RAGGEDNESS_OF, MIN_LARGEST_OF, FilterConfig

if TYPE_CHECKING:
    from partpool.sources import Source
    from partpool.taxonomy.part_classes import Taxonomy
    from partpool.taxonomy.schemes import LabelScheme


def shard_numbers(text: str | None) -> tuple[int, int] | None:
    """``"3/8"`` as two numbers.

    Raises:
        ConfigError: If it is something else.
    """
    if text is None:
        return None
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
        raise ConfigError(f"--shard takes I/N with I from 1 to N, such as 3/8, but got {text!r}")
    return int(number), int(of)


def thresholds_by_class(entries: list[str] | None, defaults: Mapping[str, float]) -> dict[str, float]:
    """Thresholds of classes, written ``CLASS=NUMBER``, over the default ones.

    Raises:
        ConfigError: If one is written otherwise.
    """
    thresholds = dict(defaults)
    for entry in entries or []:
        name, _, value = entry.partition("=")
        try:
            thresholds[name] = float(value)
        except ValueError:
            raise ConfigError(f"thresholds of a class are written CLASS=NUMBER, but got {entry!r}") from None
    return thresholds


def find_taxonomy(of: str | LabelScheme, compositions: list[str], filters: FilterConfig) -> Taxonomy:
    """The taxonomy of that name, file or scheme, with the classes that were composed.

    Raises:
        ConfigError: If there is no such taxonomy, or a filter names a class that it lacks.
    """
    from partpool.taxonomy.builtin import default_taxonomy
    from partpool.taxonomy.toml_file import compose, load_taxonomy

    taxonomy = load_taxonomy(of) if isinstance(of, str) else default_taxonomy(of)
    for expression in compositions:
        taxonomy = compose(taxonomy, expression)
    for class_name in {*filters.min_largest_of, *filters.max_raggedness_of} - {*MIN_LARGEST_OF, *MAX_RAGGEDNESS_OF}:
        taxonomy.id(class_name)
    return taxonomy


def find_source(
    lip: Path | None, images: Path | None, labels: Path | None, masks: Path | None, scheme: str | None,
    persons: Path | None, single_person: bool, split: Any,
) -> Source:  # fmt: skip
    """The data set that the options name.

    Raises:
        ConfigError: If they do not fit together, or something is missing.
        SourceError: If it is not there, or not what it is said to be.
    """
    from partpool.sources import find_lip, find_masks, find_pairs
    from partpool.taxonomy.schemes import SCHEMES

    if lip is not None:
        if images or labels or masks or scheme:
            raise ConfigError("pass either --lip, or --images with --labels and --scheme, not both")
        return find_lip(lip, split)
    if images is not None and masks is not None:
        if labels is not None:
            raise ConfigError("pass either --labels or --masks, not both")
        return find_masks(images, masks, scheme)
    if images is None or labels is None:
        raise ConfigError(
            "pass the source: --lip DIR, or --images DIR --labels DIR --scheme lip, or --images DIR --masks DIR"
        )
    if scheme is None:
        raise ConfigError(
            f"pass --scheme ({', '.join(SCHEMES)}): what the pixel values mean cannot be told from the files"
        )
    return find_pairs(images, labels, scheme, persons=persons, single_person=single_person)
