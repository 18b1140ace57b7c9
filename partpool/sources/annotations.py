"""Keypoints of one picture, in the files that they are kept in.

======================  ============================================================================================
COCO                    a JSON object with ``images`` and ``annotations``; the first annotation of the picture that has
                        a labelled keypoint counts
records                 a JSON list of objects, each with the picture (``image``, ``file_name`` or ``image_id``) and
                        ``keypoints``, or ``joints`` and ``joints_vis`` as HRNet keeps MPII and LSP
LIP                     a CSV row of file name and 16 × (x, y, v); v = 0 visible, 1 occluded, ``nan`` absent
one picture             a JSON list or CSV rows of x, y, v, or an object with ``keypoints``; it names no picture
======================  ============================================================================================

v is COCO's: 0 unlabelled, 1 occluded, 2 visible. Where no v is over 1, 1 is visible, as LSP and MPII have it; without v
everything is.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from partpool.errors import FileError, SourceError
from partpool.sources.files import SourceFile
from partpool.sources.pose import FIELDS, read_row
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

MAX_FILE = 2**31
"""Larger files are refused."""
NAME_KEYS = ("image", "file_name", "image_id")
OCCLUDED = 1
"""COCO's v of a keypoint that is labelled but cannot be seen."""
SHOWN_NAMES = 3
UNREADABLE = (ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, csv.Error)
"""What reading a document of another structure may end in."""


class Annotation(NamedTuple):
    """Keypoints of a person.

    Attributes:
        points: Pixels as the file has them, float64 [K, 2]; 0 where not labelled.
        labelled: bool [K].
        visible: bool [K].
        box: x0 y0 x1 y1 in pixels, if the file has one that encloses anything.
        names: Name of each keypoint, if the file or its format says.
    """

    points: NDArray[np.float64]
    labelled: NDArray[np.bool_]
    visible: NDArray[np.bool_]
    box: tuple[float, float, float, float] | None = None
    names: tuple[str, ...] | None = None


Person = Callable[[], Annotation]
"""Reads one person's keypoints: a file may have a quarter of a million, of which one is wanted."""


class AnnotationFile:
    """A file of keypoints in one of the forms above.

    Args:
        path: The file.

    Raises:
        SourceError: If it cannot be read, or is in none of these forms.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = SourceFile(path).read(MAX_FILE)[0].decode("utf-8-sig")
        except FileError as error:
            raise SourceError(f"the file of keypoints {path} {error}") from None
        except UnicodeDecodeError:
            raise SourceError(f"the file of keypoints {path} is not a text; expected JSON or CSV") from None
        self._people: dict[str | None, list[Person]] = {}
        with self._refusing_other_structures():
            for picture, person in _people_in_json(text) if text.lstrip()[:1] in ("{", "[") else _people_in_csv(text):
                self._people.setdefault(picture, []).append(person)

    @property
    def names_pictures(self) -> bool:
        """Whether it says which pictures its keypoints belong to."""
        return None not in self._people

    def person_on(self, image: Path) -> Annotation:
        """The first person with labelled keypoints on a picture; if nobody has any, the first.

        Args:
            image: The picture, found by its name; folders decide between pictures of the same name.

        Raises:
            SourceError: If the file does not have the picture.
        """
        wanted = image.absolute().as_posix()
        likeness = {picture: 1 if picture is None else _likeness(picture, wanted) for picture in self._people}
        best = max(likeness, key=lambda picture: likeness[picture], default="")
        if not likeness.get(best):
            names = [str(name) for name in self._people]
            listed = ", ".join(names[:SHOWN_NAMES]) + (", …" if len(names) > SHOWN_NAMES else "")
            raise SourceError(
                f"the file of keypoints {self.path} has none of {image.name}; it has those of: {listed or 'no picture'}"
            )
        with self._refusing_other_structures():
            people = [person() for person in self._people[best]]
        return next((person for person in people if person.labelled.any()), people[0])

    @contextmanager
    def _refusing_other_structures(self) -> Iterator[None]:
        try:
            yield
        except UNREADABLE as error:
            raise SourceError(
                f"the file of keypoints {self.path} was not understood ({error}); expected COCO's JSON, LIP's CSV, or "
                "x, y, v of every keypoint of one picture"
            ) from None


def _likeness(picture: str, wanted: str) -> int:
    """How many parts of the path agree from the end on; a number stands for a COCO file name."""
    given, own = PurePosixPath(picture.replace("\\", "/")).parts[::-1], PurePosixPath(wanted).parts[::-1]
    stem = PurePosixPath(own[0]).stem if own else ""
    if picture.isdecimal() and stem.isdecimal():
        return int(int(picture) == int(stem))
    pairs = enumerate(zip(given, own, strict=False))
    return next((count for count, (ours, theirs) in pairs if ours != theirs), min(len(given), len(own)))


def _people_in_json(text: str) -> Iterator[tuple[str | None, Person]]:
    document = json.loads(text)
    if isinstance(document, dict) and "annotations" in document:
        names = {picture["id"]: str(picture["file_name"]) for picture in document["images"]}
        categories = {category["id"]: category for category in document.get("categories", ())}
        for record in document["annotations"]:
            if "keypoints" in record and record["image_id"] in names:
                keypoints = categories.get(record.get("category_id"), {}).get("keypoints")
                yield names[record["image_id"]], partial(_annotation_of_record, record, keypoints)
    elif isinstance(document, list) and document and isinstance(document[0], dict):
        for record in document:
            name = [record[key] for key in NAME_KEYS if key in record]
            if not name:
                raise ValueError(f"an object of its list has none of {', '.join(NAME_KEYS)}")
            yield str(name[0]), partial(_annotation_of_record, record)
    else:
        yield None, partial(_annotation_of_record, document if isinstance(document, dict) else {"keypoints": document})


def _people_in_csv(text: str) -> Iterator[tuple[str | None, Person]]:
    rows = [row for row in csv.reader(text.splitlines()) if any(field.strip() for field in row)]
    if rows and len(rows[0]) == FIELDS:
        yield from ((row[0].strip(), partial(_annotation_of_lip_row, row)) for row in rows)
        return
    if rows and not _is_number(rows[0][0]):
        # A line of titles.
        rows = rows[1:]
    yield None, partial(_annotation, rows)


def _annotation_of_lip_row(row: Sequence[str]) -> Annotation:
    keypoints = read_row(row)
    if keypoints is None:
        raise ValueError(f"its row of {row[0]} is not a name and 16 × (x, y, v)")
    labelled, visible = np.asarray(np.isfinite(keypoints).all(axis=1)), np.asarray(keypoints[:, 2] > 0)
    points = np.where(labelled[:, None], keypoints[:, :2].astype(np.float64), 0.0)
    return Annotation(points, labelled, visible, names=MPII_KEYPOINTS)


def _annotation_of_record(record: dict[str, Any], names: Sequence[str] | None = None) -> Annotation:
    box = None
    if record.get("bbox") is not None:
        x, y, width, height = map(float, record["bbox"])
        box = (x, y, x + width, y + height)
    if "keypoints" in record:
        return _annotation(record["keypoints"], box, names)
    if "joints" not in record:
        raise ValueError("there are no keypoints in it")
    points = np.column_stack([np.asarray(record["joints"], float)[:, :2], np.ravel(record["joints_vis"])])
    return _annotation(points, box, names)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _annotation(
    keypoints: Any,
    box: tuple[float, float, float, float] | None = None,
    names: Sequence[str] | None = None,
) -> Annotation:
    """Keypoints from [K, 2], [K, 3] or 3·K numbers."""
    array = np.asarray(keypoints, float)
    if array.ndim == 1 and array.size % 3 == 0:
        array = array.reshape(-1, 3)
    if array.ndim != 2 or array.shape[1] not in (2, 3) or not len(array):
        raise ValueError(f"keypoints must be x, y or x, y, v each, but have the shape {np.shape(keypoints)}")
    state = array[:, 2] if array.shape[1] == 3 else np.ones(len(array))
    known = np.isfinite(array).all(axis=1)
    labelled = known & (state > 0)
    visible = labelled & (state > (OCCLUDED if state[labelled].max(initial=0) > OCCLUDED else 0))
    points = np.where(known[:, None], array[:, :2], 0.0)
    if names is not None and len(names) != len(array):
        names = None
    if box is not None and not (all(map(math.isfinite, box)) and box[0] < box[2] and box[1] < box[3]):
        box = None
    return Annotation(points, labelled, visible, box, None if names is None else tuple(names))
