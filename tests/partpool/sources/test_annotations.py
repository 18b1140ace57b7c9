"""Keypoints of one picture in every form they are kept in."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from partpool.errors import SourceError
from partpool.sources.annotations import Annotation, AnnotationFile
from partpool.taxonomy.keypoints import MPII_KEYPOINTS

POINTS = [[10.5, 20.0, 2], [30.0, 40.25, 1], [0, 0, 0], [50.0, 60.0, 2]]
NAMES = ["nose", "left_eye", "right_eye", "left_ear"]


def read_annotation(path: Path, image: Path) -> Annotation:
    return AnnotationFile(path).person_on(image)


def coco(*pictures: str) -> dict[str, Any]:
    """A COCO document with a crowd without keypoints and a person on every picture."""
    images = [{"id": 7 + number, "file_name": name} for number, name in enumerate(pictures)]
    annotations = []
    for number, image in enumerate(images):
        nobody = {"image_id": image["id"], "category_id": 1, "keypoints": [0] * 12, "bbox": [0, 0, 9, 9]}
        flat = [value for x, y, v in POINTS for value in (x + number, y, v)]
        annotations += [nobody, nobody | {"keypoints": flat, "bbox": [1, 2, 30, 40]}]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "keypoints": NAMES}]}


def lip_row(name: str) -> str:
    rest = ",0".join(f",{number},{number + 1}" for number in range(14))
    return f"{name},5,6,0,7,8,1,nan,nan,nan{rest[: rest.rindex(',13')]}"


def saved(folder: Path, content: Any, ending: str = "json") -> Path:
    path = folder / f"keypoints.{ending}"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("content", "ending"),
    [
        (POINTS, "json"),
        ([value for point in POINTS for value in point], "json"),
        ({"keypoints": POINTS}, "json"),
        ({"keypoints": [value for point in POINTS for value in point], "bbox": [1, 2, 30, 40]}, "json"),
        ("\n".join(",".join(map(str, point)) for point in POINTS), "csv"),
        ("x,y,v\r\n" + "\r\n".join(",".join(map(str, point)) for point in POINTS) + "\r\n\r\n", "csv"),
        ([{"image": "one.jpg", "keypoints": POINTS}, {"image": "two.jpg", "keypoints": [[1, 1, 1]]}], "json"),
        ([{"file_name": "a/one.jpg", "keypoints": POINTS}], "json"),
        (coco("one.jpg"), "json"),
    ],
)
def test_every_form_says_the_same(tmp_path: Path, content: Any, ending: str) -> None:
    found = read_annotation(saved(tmp_path, content, ending), Path("b/one.jpg"))
    assert found.points.tolist() == [[10.5, 20.0], [30.0, 40.25], [0, 0], [50.0, 60.0]]
    assert found.labelled.tolist() == [True, True, False, True]
    assert found.visible.tolist() == [True, False, False, True]
    assert found.box in (None, (1, 2, 31, 42))


def test_coco_says_more(tmp_path: Path) -> None:
    found = read_annotation(saved(tmp_path, coco("one.jpg", "two.jpg")), Path("two.jpg"))
    assert (found.names, found.box) == (tuple(NAMES), (1, 2, 31, 42))
    assert found.points[0].tolist() == [11.5, 20.0]


def test_hrnets_form_of_mpii_and_lsp(tmp_path: Path) -> None:
    record = {"image": "one.jpg", "joints": [[1.5, 2.5], [-1, -1]], "joints_vis": [1, 0], "center": [5, 5], "scale": 2}
    found = read_annotation(saved(tmp_path, [record]), Path("one.jpg"))
    assert (found.labelled.tolist(), found.visible.tolist()) == ([True, False], [True, False])


def test_lip_turns_v_round(tmp_path: Path) -> None:
    text = "\n".join(lip_row(name) for name in ("one.jpg", "two.jpg"))
    found = read_annotation(saved(tmp_path, text, "csv"), Path("/data/two.jpg"))
    assert found.names == MPII_KEYPOINTS
    assert found.points[:3].tolist() == [[5.5, 6.5], [7.5, 8.5], [0, 0]]
    assert found.labelled.tolist() == [True, True, False, *[True] * 13]
    assert found.visible.tolist() == [True, False, False, *[True] * 13]
    hidden = "one.jpg" + ",3,4,1" * 16
    assert not read_annotation(saved(tmp_path, hidden, "csv"), Path("one.jpg")).visible.any()


def test_zero_and_one_are_hidden_or_visible(tmp_path: Path) -> None:
    found = read_annotation(saved(tmp_path, "1,2,1\n3,4,0\n", "csv"), Path("any.png"))
    assert (found.labelled.tolist(), found.visible.tolist()) == ([True, False], [True, False])
    found = read_annotation(saved(tmp_path, "1,2\n3,nan\n", "csv"), Path("any.png"))
    assert (found.labelled.tolist(), found.visible.tolist()) == ([True, False], [True, False])


def test_folders_and_numbers_decide(tmp_path: Path) -> None:
    path = saved(tmp_path, coco("run/00001.png", "jump/00001.png"))
    for number, folder in enumerate(("run", "jump")):
        assert read_annotation(path, Path(f"/data/{folder}/00001.png")).points[0, 0] == 10.5 + number
    numbered = saved(tmp_path, [{"image_id": id, "keypoints": [[id, 0, 2]]} for id in (785, 139)])
    assert read_annotation(numbered, Path("000000000139.jpg")).points[0, 0] == 139


@pytest.mark.parametrize("box", ["[0, 0, NaN, 5]", "[0, 0, 0, 0]", "[9, 9, -3, 5]", "null"])
def test_a_box_around_nothing_is_none(tmp_path: Path, box: str) -> None:
    path = saved(tmp_path, f'{{"keypoints": [[1, 2, 2]], "bbox": {box}}}')
    assert read_annotation(path, Path("a.jpg")).box is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "was not understood"),
        ("[" * 100_000, "was not understood"),
        ("", "was not understood"),
        ("hello", "was not understood"),
        ("1,2,3,4\n", "shape (1, 4)"),
        ("1,2\n3\n", "was not understood"),
        ("1,2,v\n", "was not understood"),
        ([{"bbox": [1, 2, 3, 4], "image": "a.jpg"}], "there are no keypoints"),
        ([{"keypoints": POINTS}], "none of image, file_name, image_id"),
        ([{"image": "a.jpg"}, 3], "was not understood"),
        ([{"image": "a.jpg", "keypoints": 3}], "shape ()"),
        ({"annotations": 3, "images": []}, "was not understood"),
        ({"annotations": []}, "was not understood"),
        (coco(), "none of a.jpg; it has those of: no picture"),
        (coco("x.jpg", "y.jpg", "z.jpg", "u.jpg"), "none of a.jpg; it has those of: x.jpg, y.jpg, z.jpg, …"),
        ("a.jpg" + ",1,2,x" * 16, "its row of a.jpg is not a name and"),
    ],
)
def test_what_is_not_understood(tmp_path: Path, content: Any, said: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(SourceError) as raised:
        read_annotation(path, Path("a.jpg"))
    message = str(raised.value)
    assert said in message
    assert str(path) in message
    assert "\n" not in message


def test_files_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is missing"):
        read_annotation(tmp_path / "none.json", Path("a.jpg"))
    (tmp_path / "binary.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SourceError, match="is not a text"):
        read_annotation(tmp_path / "binary.csv", Path("a.jpg"))


KEYS = st.sampled_from(
    ["images", "annotations", "keypoints", "joints", "joints_vis", "image_id", "id", "file_name", "bbox", "categories"]
)
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
DOCUMENTS = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=12)
ROWS = st.lists(st.lists(st.floats() | st.text(max_size=3), min_size=2, max_size=4), max_size=4)
TEXTS = st.text(max_size=60) | ROWS.map(lambda rows: "\n".join(",".join(map(str, row)) for row in rows))


@settings(max_examples=300, deadline=None)
@given(DOCUMENTS.map(json.dumps) | TEXTS)
def test_anything_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        found = read_annotation(path, Path("a.jpg"))
    except SourceError:
        return
    assert found.points.ndim == 2
    assert np.isfinite(found.points).all()
    assert len(found.labelled) == len(found.visible) == len(found.points) > 0
    assert not (found.visible & ~found.labelled).any()
    assert found.box is None or all(map(math.isfinite, found.box))
