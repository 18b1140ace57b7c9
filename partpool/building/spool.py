"""The folder of a build under way, ``<out>.spool``: finished units, and what they were made from.

It is held by one build at a time, outlives any death of it, and is gone once the pool is written.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
from pathlib import Path

from partpool.building import folder_lock as lock
from partpool.building.fingerprint import Fingerprint
from partpool.building.unit_files import Summary, UnitFiles, check_unit, put_unit, remove_unit
from partpool.errors import ConfigError, OutputError

BUILD = "build.json"
PARTIAL_POOL = "pool.partial"
OURS = re.compile(r"\d{8}\.(npz|blob)|.+\.partial|" + "|".join(map(re.escape, (BUILD, PARTIAL_POOL, *lock.NAMES))))
"""Names that may be removed."""


class Spool:
    """The spool of an output, held until :meth:`close`.

    Args:
        out: The pool file to be.

    Raises:
        OutputError: If another process holds it, it cannot be written, or a folder of that name is something else.
    """

    def __init__(self, out: Path) -> None:
        self.path = out.with_name(out.name + ".spool").absolute()
        self.token = ""
        try:
            self.path.mkdir(exist_ok=True)
        except FileExistsError:
            raise OutputError(f"{self.path} is in the way: it is not a folder; move it away") from None
        except OSError as error:
            raise OutputError(f"{out.parent} cannot be written to: {error.strerror}") from None
        try:
            self._refuse_foreign()
            self._lock = lock.FolderLock(self.path)
        except OutputError:
            raise
        except OSError as error:
            self._remove_empty()
            raise OutputError(f"{self.path} cannot be written to: {error.strerror}") from None

    @property
    def partial_pool(self) -> Path:
        """Where the pool file is written before it gets its name."""
        return self.path / PARTIAL_POOL

    @property
    def begun(self) -> bool:
        """Whether a build has left finished units."""
        return (self.path / BUILD).exists() and bool(self.finished())

    def begin(self, fingerprint: Fingerprint, resume: bool) -> dict[int, Summary]:
        """Take up what an earlier build has finished, or start over.

        Args:
            fingerprint: What the build depends on.
            resume: Whether finished units may be taken up; otherwise they are removed.

        Returns:
            Numbers and summaries of the units that need not be done again.

        Raises:
            ConfigError: If the finished units were made from something else.
            OutputError: If the spool cannot be written.
        """
        if not resume or not self.begun:
            self._start_over(fingerprint)
            return {}
        try:
            head, _, rest = (self.path / BUILD).read_text("utf-8").partition("\n")
            before, self.token = Fingerprint.from_json(rest), json.loads(head)["token"]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            raise ConfigError(f"{self.path / BUILD} is damaged; pass --no-resume to start over") from None
        changed = before.differences(fingerprint)
        if changed:
            raise ConfigError(
                f"{self.path} holds an unfinished build of something else: {changed}. "
                "Pass --no-resume to start over, or undo the change to resume"
            )
        found = {number: check_unit(self.path, number, self.token) for number in self.finished()}
        return {number: summary for number, summary in found.items() if summary is not None}

    def finished(self) -> list[int]:
        """Numbers of the units whose manifest is there, in order."""
        return sorted(int(path.stem) for path in self.path.glob("????????.npz") if path.stem.isdecimal())

    def drop(self, number: int) -> None:
        """Forget a unit."""
        remove_unit(self.path, number)

    def put(self, files: UnitFiles) -> None:
        """Write a unit that a worker has handed back.

        Raises:
            OutputError: If it cannot be written.
        """
        try:
            put_unit(self.path, files)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written to: {error.strerror}") from None

    def close(self, keep: bool) -> bool:
        """Let go of the spool, and remove it unless it is to be kept and holds finished units.

        Returns:
            Whether it is still there.
        """
        kept = keep and self.begun
        if not kept:
            self._clear()
        with contextlib.suppress(OSError):
            self.partial_pool.unlink(missing_ok=True)
        self._lock.release()
        self._remove_empty()
        return kept

    def _start_over(self, fingerprint: Fingerprint) -> None:
        self.token = secrets.token_hex(8)
        partial = self.path / f"{BUILD}.partial"
        try:
            self._clear()
            partial.write_text(json.dumps({"token": self.token}) + "\n" + fingerprint.to_json(), "utf-8")
            partial.rename(self.path / BUILD)
        except OSError as error:
            raise OutputError(f"{self.path} cannot be written to: {error.strerror}") from None

    def _clear(self) -> None:
        """Remove everything but the lock; without a fingerprint no unit counts, so that goes first."""
        (self.path / BUILD).unlink(missing_ok=True)
        for path in list(self.path.iterdir()):
            if path.name not in lock.NAMES and OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)

    def _refuse_foreign(self) -> None:
        if self.path.is_symlink():
            raise OutputError(f"{self.path} is a link; the spool must lie beside the pool. Move it away")
        foreign = next((path.name for path in self.path.iterdir() if not OURS.fullmatch(path.name)), None)
        if foreign is not None:
            raise OutputError(f"{self.path} holds {foreign}, which is no part of a build; move the folder away")

    def _remove_empty(self) -> None:
        with contextlib.suppress(OSError):
            self.path.rmdir()


def is_spool_of(folder: Path, token: str) -> bool:
    """Whether a folder, as this machine sees it, is the spool of that token; it may be another machine's."""
    try:
        with (folder / BUILD).open(encoding="utf-8") as file:
            return bool(json.loads(file.readline())["token"] == token)
    except (OSError, ValueError, KeyError, TypeError):
        return False
