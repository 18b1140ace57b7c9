"""What the filters reject, written down and drawn, so that a threshold can be judged by eye."""

from __future__ import annotations

import heapq
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from partpool.cutting.patch import cut_patch
from partpool.errors import OutputError
from partpool.filters.config import REASONS, FilterConfig, failed_threshold
from partpool.filters.judging import Judged
from partpool.pool.contact_sheet import TILE, captioned_sheet, draw_part, save_picture
from partpool.pool.part import Part
from partpool.segment.regions import Regions

LIST = "rejects.jsonl"
SHOWN = 96
"""Segments on the sheet of a reason."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A rejected segment.

    Attributes:
        source: Name of its item.
        part: Name of its class.
        reason: The filter that rejected it.
        measure: What that filter measures.
        value: What it measured.
        limit: The threshold.
        box: Its box in the picture, x0 y0 x1 y1, half-open.
        tile: Its picture, encoded.
    """

    source: str
    part: str
    reason: str
    measure: str
    value: float
    limit: float
    box: tuple[int, int, int, int]
    tile: bytes

    def row(self) -> dict[str, Any]:
        """Its line in the list."""
        row = asdict(self) | {"value": round(self.value, 4), "box": list(self.box)}
        del row["tile"]
        return row

    @property
    def rank(self) -> bytes:
        """Where it stands in an order that nothing but chance decides, the same in every build."""
        return blake2b(f"{self.source}\0{self.part}\0{self.box}".encode(), digest_size=8).digest()


def describe(
    judged: Judged, name: str, source: str, image: NDArray[np.uint8], regions: Regions, config: FilterConfig
) -> Reject:
    """A rejected segment, drawn.

    Args:
        judged: The segment and its verdict.
        name: Name of its class.
        source: Name of its item.
        image: The photograph, uint8 [H, W, 4] BGRA, opaque.
        regions: What it is made of.
        config: The thresholds.
    """
    assert judged.reason is not None, "a kept segment is no reject"
    mask = regions.mask(judged.segment.members, judged.segment.box) if judged.mask is None else judged.mask
    patch = cv2.cvtColor(cut_patch(image, mask, judged.box, TILE), cv2.COLOR_BGRA2RGBA)
    box = np.array(judged.box, np.int32)
    part = Part(patch[..., :3], patch[..., 3] > 0, judged.segment.class_id, name, box, box, source)
    tile = cv2.imencode(".jpg", draw_part(part)[..., ::-1], (cv2.IMWRITE_JPEG_QUALITY, 90))[1].tobytes()
    measure, value, limit = failed_threshold(config, name, judged.reason, judged.measured)
    return Reject(source, name, judged.reason, measure, value, limit, judged.box, tile)


class RejectsFolder:
    """A folder of ``rejects.jsonl`` and a sheet per reason; nothing is there under its name before all is done.

    Args:
        folder: Where to write; made if it is not there.
        overwrite: Whether the files of an earlier build may be replaced.

    Raises:
        OutputError: If they exist and may not be replaced, or the folder cannot be written.
    """

    def __init__(self, folder: Path, overwrite: bool = False) -> None:
        self._folder = folder
        self._counts: Counter[str] = Counter()
        self._shown: dict[str, list[tuple[bytes, int, Reject]]] = {}
        self._places: dict[int, tuple[int, int]] = {}
        if (folder / LIST).exists() and not overwrite:
            raise OutputError(f"{folder / LIST} exists; pass --overwrite to replace the rejects of an earlier build")
        with self._writing():
            folder.mkdir(parents=True, exist_ok=True)
            self._lines = TemporaryFile(dir=folder)  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> RejectsFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._lines.close()

    def add(self, unit: int, rejects: Sequence[Reject]) -> None:
        """Write the rejects of a work unit down; units may come in any order.

        Raises:
            OutputError: If the folder cannot be written.
        """
        data = "".join(f"{json.dumps(reject.row())}\n" for reject in rejects).encode()
        with self._writing():
            self._places[unit] = (self._lines.tell(), len(data))
            self._lines.write(data)
        for reject in rejects:
            self._counts[reject.reason] += 1
            shown = self._shown.setdefault(reject.reason, [])
            # The heap gives up its smallest entry, which is to be the last in rank.
            heapq.heappush(shown, (bytes(255 - byte for byte in reject.rank), self._counts.total(), reject))
            if len(shown) > SHOWN:
                heapq.heappop(shown)

    def finish(self) -> None:
        """Draw the sheets and write the list, which stands in the order of the units.

        Raises:
            OutputError: If the folder cannot be written.
        """
        for reason in REASONS:
            path = self._folder / f"{reason}.png"
            if self._counts[reason]:
                save_picture(self._sheet(reason), path)
            else:
                with self._writing():
                    path.unlink(missing_ok=True)
        partial = self._folder / f".{LIST}.partial"
        try:
            with self._writing(), partial.open("wb") as file:
                for _, (first, length) in sorted(self._places.items()):
                    self._lines.seek(first)
                    file.write(self._lines.read(length))
            with self._writing():
                partial.replace(self._folder / LIST)
        finally:
            partial.unlink(missing_ok=True)

    def _sheet(self, reason: str) -> NDArray[np.uint8]:
        rejects = sorted((reject for *_, reject in self._shown[reason]), key=lambda reject: (reject.part, reject.rank))
        tiles = [(_decoded_tile(reject), (reject.part, f"{reject.value:.4g} ({reject.limit:g})")) for reject in rejects]
        title = f"{reason}: {self._counts[reason]:,} rejected, {len(tiles)} shown; {rejects[0].measure} (limit)"
        return captioned_sheet(title, tiles)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._folder} cannot be written to: {error.strerror}") from None


def _decoded_tile(reject: Reject) -> NDArray[np.uint8]:
    tile = cv2.imdecode(np.frombuffer(reject.tile, np.uint8), cv2.IMREAD_COLOR)
    assert tile is not None, "a tile is a JPEG"
    return tile[..., ::-1]
