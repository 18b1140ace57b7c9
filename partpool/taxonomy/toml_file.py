"""Taxonomies from the user: a TOML file, or ``NAME=a+b`` on the command line."""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import Any

from partpool.errors import ConfigError
from partpool.taxonomy.builtin import TAXONOMIES, builtin_taxonomy, default_taxonomy
from partpool.taxonomy.part_classes import PartClass, Taxonomy
from partpool.taxonomy.schemes import SCHEMES, LabelScheme, builtin_scheme

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

KEYS = {"name", "extends", "scheme", "class"}
COMPOSE = re.compile(r"(?P<name>[\w-]+)=(?P<terms>[\w-]+(?:\+[\w-]+)*)(?:@(?P<size>[\d.]+))?")


def load_taxonomy(source: str | Path) -> Taxonomy:
    """A taxonomy by built-in name, by the name of a built-in scheme, or from a TOML file.

    The file holds a ``name``, optionally ``extends = "asda26"``, a ``scheme`` (a built-in name, or a table with
    ``name``, ``labels`` and optionally ``neck`` and ``sixteen_bit``), and a ``[[class]]`` table for every class, whose
    keys are the fields of :class:`~partpool.taxonomy.part_classes.PartClass`. A file with a scheme of its own and no
    classes gets a class for each label.

    Raises:
        ConfigError: If there is no such taxonomy, or the file is not one; the message names file and key.
    """
    path = Path(source)
    if str(source) in TAXONOMIES or path.suffix.lower() != ".toml":
        return builtin_taxonomy(str(source))
    data = _read_toml(path)
    try:
        return _from_toml(data, path.stem)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def load_scheme(source: str | Path) -> LabelScheme:
    """A label scheme by built-in name, or from the TOML file of a taxonomy over it.

    Raises:
        ConfigError: If there is no such scheme, or the file has none.
    """
    if Path(source).suffix.lower() != ".toml":
        return builtin_scheme(str(source))
    return load_taxonomy(source).scheme


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"there is no taxonomy file {path}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not a TOML file: {error}") from None


def _from_toml(data: dict[str, Any], default_name: str) -> Taxonomy:
    unknown = set(data) - KEYS
    if unknown:
        raise ConfigError(f"unknown keys {', '.join(sorted(unknown))}; expected {', '.join(sorted(KEYS))}")
    extends = data.get("extends")
    if extends is not None and not isinstance(extends, str):
        raise ConfigError(f"extends must be the name of a built-in taxonomy, but got {extends!r}")
    base = builtin_taxonomy(extends) if extends is not None else None
    if base and "scheme" in data and data["scheme"] != base.scheme.name:
        raise ConfigError(f"extends {base.name!r}, which is over scheme {base.scheme.name!r}, but names another scheme")
    scheme = base.scheme if base else _scheme_of_entry(data.get("scheme"))
    name, entries = data.get("name", default_name), data.get("class", [])
    if not isinstance(name, str) or not isinstance(entries, list):
        raise ConfigError("name must be a string, and classes are written as [[class]] tables")
    if not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError("classes are written as [[class]] tables")
    own = tuple(PartClass.from_dict(entry) for entry in entries)
    if not own and isinstance(data.get("scheme"), dict):
        own = default_taxonomy(scheme).classes
    return Taxonomy(name, scheme, (base.classes if base else ()) + own)


def _scheme_of_entry(value: object) -> LabelScheme:
    if isinstance(value, dict):
        return LabelScheme.from_dict(value)
    if isinstance(value, str) and value in SCHEMES:
        return SCHEMES[value]
    raise ConfigError(f"scheme must be one of {', '.join(SCHEMES)}, or a table with name and labels, but got {value!r}")


def compose(taxonomy: Taxonomy, expression: str) -> Taxonomy:
    """``taxonomy`` with one more class, written ``NAME=a+b`` or ``NAME=a+b@SIZE``.

    Terms are labels or classes; a class stands for its labels. The size is given or estimated as the root of the sum
    of the squared sizes of the terms, at most 0.9.

    Raises:
        ConfigError: If the expression or a term cannot be understood.
    """
    match = COMPOSE.fullmatch(expression)
    if not match:
        raise ConfigError(f"--compose takes NAME=a+b, such as arms=left-arm+right-arm, but got {expression!r}")
    labels: dict[str, None] = {}
    squares = 0.0
    for term in match["terms"].split("+"):
        if term in taxonomy.names:
            labels.update(dict.fromkeys(taxonomy[term].labels))
            squares += taxonomy[term].size ** 2
        else:
            taxonomy.scheme.check(term, where=f"--compose {expression!r}")
            labels[term] = None
            squares += 0.3**2
    try:
        size = float(match["size"]) if match["size"] else round(min(0.9, math.sqrt(squares)), 2)
    except ValueError:
        raise ConfigError(f"--compose {expression!r}: {match['size']!r} is not a size") from None
    keypoints = dict.fromkeys(
        point for part in taxonomy.classes if set(part.labels) <= set(labels) for point in part.keypoints
    )
    part = PartClass(match["name"], tuple(labels), size, keypoints=tuple(keypoints))
    return Taxonomy(taxonomy.name, taxonomy.scheme, (*taxonomy.classes, part))
