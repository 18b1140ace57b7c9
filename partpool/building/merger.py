"""Several pool files → one, with the same bytes as if it had been built at once."""

from __future__ import annotations

import itertools
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from partpool.building.output_file import checked_output, os_reason
from partpool.building.spool import Spool
from partpool.errors import ConfigError, OutputError, PoolError
from partpool.pool.file import PoolFile
from partpool.pool.sorted_parts import PoolRun
from partpool.pool.writer import Header, pack

SHARD = "shard"


@dataclass
class MergeReport:
    """What a merge did.

    Attributes:
        out: The pool file.
        files: Number of files that were merged.
        parts: Number of parts in it.
        repeated: Parts that were left out, because another file has their item, too.
        missing: Shards that the files do not hold, written ``"3/8"``.
        pool_bytes: Size of the pool file.
        seconds: How long it took.
    """

    out: Path
    files: int
    parts: int = 0
    repeated: int = 0
    missing: list[str] = field(default_factory=list)
    pool_bytes: int = 0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The report as plain data."""
        return {**self.__dict__, "out": str(self.out), "seconds": round(self.seconds, 3)}


def merge(
    paths: Sequence[str | os.PathLike[str]],
    out: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> MergeReport:
    """Write one pool file out of several; all shards of a build give the bytes of the whole build.

    Patches stream through: memory holds a few megabytes, and some hundred bytes for every source image.

    Args:
        paths: The pool files, in any order.
        out: The file to write.
        overwrite: Whether an existing file may be replaced.
        on_progress: Called now and then with the bytes of encoded patches that are written, and their total.

    Raises:
        ConfigError: If no file is given, or one twice.
        PoolError: If a file is not a pool, is damaged, or differs from the others in taxonomy, configuration or
            version.
        OutputError: If the output exists or cannot be written. Nothing is left behind.
    """
    began = time.monotonic()
    files = _opened_pools(paths)
    path = checked_output(Path(out), overwrite)
    if any(path.exists() and path.samefile(file.path) for file in files):
        raise ConfigError(f"{path} is one of the files to merge; pass another --out")
    source = _merged_source(files)
    first = files[0]
    errors = sum((Counter(file.attributes["errors"]) for file in files), Counter())
    header = Header(first.taxonomy, first.attributes["config"], source, dict(errors))
    spool = Spool(path)
    try:
        if spool.begun:
            raise OutputError(f"{spool.path} holds an unfinished build; finish it, or remove it, or pass another --out")
        packed = pack([PoolRun(file) for file in files], spool.partial_pool, path, header, overwrite, on_progress)
    except OutputError:
        raise
    except FileExistsError:
        raise OutputError(f"{path} appeared during the merge; it was not replaced") from None
    except (OSError, RuntimeError) as error:
        raise OutputError(f"{path} cannot be written: {os_reason(error)}") from None
    finally:
        spool.close(keep=True)
    return MergeReport(
        path, len(files), packed.parts, sum(len(file) for file in files) - packed.parts, _missing_shards(source),
        path.stat().st_size, time.monotonic() - began,
    )  # fmt: skip


def _opened_pools(paths: Sequence[str | os.PathLike[str]]) -> list[PoolFile]:
    """The files, checked alone and against each other."""
    if not paths:
        raise ConfigError("pass at least one pool file to merge")
    files: list[PoolFile] = []
    for path in paths:
        file = PoolFile(Path(path))
        # Checking has loaded columns, which would add up over many files.
        file.forget()
        twice = next((other.path for other in files if other.identity == file.identity), None)
        if twice is not None:
            raise ConfigError(f"{file.path} is given twice (the same file as {twice})")
        if files:
            _refuse_different(files[0], file)
        files.append(file)
    return files


def _refuse_different(first: PoolFile, file: PoolFile) -> None:
    for what, same in (
        ("another taxonomy", file.taxonomy == first.taxonomy),
        ("another configuration", file.attributes["config"] == first.attributes["config"]),
        ("another version of partpool", file.attributes["builder"] == first.attributes["builder"]),
    ):
        if not same:
            key = {"another configuration": "config", "another version of partpool": "builder"}.get(what)
            shown = f": {_difference(first.attributes[key], file.attributes[key])}" if key else ""
            raise PoolError(f"{file.path} was built with {what} than {first.path}{shown}; only equal pools are merged")


def _difference(before: Any, now: Any) -> str:
    if not isinstance(before, dict) or not isinstance(now, dict):
        return f"{now!r}, not {before!r}"
    keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
    if len(keys) == 1 and isinstance(before.get(keys[0]), dict) and isinstance(now.get(keys[0]), dict):
        return f"{keys[0]}: {_difference(before[keys[0]], now[keys[0]])}"
    return ", ".join(f"{key} is {now.get(key)!r}, not {before.get(key)!r}" for key in keys)


def _merged_source(files: Sequence[PoolFile]) -> dict[str, Any]:
    """What the merged pool says of its data set: as for the whole, if the files are shards of one."""
    sources = [file.attributes["source"] for file in files]
    merged = {key: _joined_text(str(source.get(key, "")) for source in sources) for key in ("kind", "split", "license")}
    found: dict[str, Any] = {**merged, "n_items": sum(int(source.get("n_items", 0)) for source in sources)}
    shards = [source[SHARD] for source in sources if SHARD in source]
    if len(shards) == len(sources) and len({shard["of"] for shard in shards}) == 1:
        numbers = sorted(number for shard in shards for number in shard["numbers"])
        twice = next((number for number, other in itertools.pairwise(numbers) if number == other), None)
        if twice is not None:
            raise ConfigError(f"shard {twice}/{shards[0]['of']} is in two of the files")
        if len(numbers) < shards[0]["of"]:
            found[SHARD] = {"numbers": numbers, "of": shards[0]["of"]}
    return found


def _joined_text(values: Iterable[str]) -> str:
    return " + ".join(dict.fromkeys(value for value in values if value))


def _missing_shards(source: Mapping[str, Any]) -> list[str]:
    shard = source.get(SHARD)
    if shard is None:
        return []
    return [f"{number}/{shard['of']}" for number in range(1, shard["of"] + 1) if number not in shard["numbers"]]
