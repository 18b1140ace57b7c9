"""Pose CSVs: what is understood, what is not, and which images it belongs to."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from partpool import find_lip
from partpool.errors import SourceError
from partpool.sources import SourceFile
from partpool.sources.pose import read_pose

JOINTS = ",".join(f"{10 * n},{n},{n % 2}" for n in range(16))
COUNT = st.integers(-500, 2000)


def read(folder: Path, text: str | bytes) -> tuple[dict[str, np.ndarray], int]:
    path = folder / "lip_train_set.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return read_pose(SourceFile(path))


def test_a_row(tmp_path: Path) -> None:
    poses, wrong = read(tmp_path, f"100034_483681.jpg,{JOINTS.replace('30,3,1', 'nan,nan,nan')}\n")
    assert (list(poses), wrong) == (["100034_483681"], 0)
    pose = poses["100034_483681"]
    assert pose.dtype == np.float32
    np.testing.assert_array_equal(pose[2], [20.5, 2.5, 1])
    np.testing.assert_array_equal(pose[1], [10.5, 1.5, 0])
    assert np.isnan(pose[3]).all()


@given(st.lists(st.one_of(st.none(), st.tuples(COUNT, COUNT, st.booleans())), min_size=16, max_size=16))
def test_every_joint_is_kept_where_it_is(
    tmp_path_factory: pytest.TempPathFactory, joints: list[tuple[int, int, bool] | None]
) -> None:
    fields = [f"{j[0]},{j[1]},{int(j[2])}" if j else "nan,nan,nan" for j in joints]
    poses, wrong = read(tmp_path_factory.mktemp("pose"), f"a.jpg,{','.join(fields)}")
    assert wrong == 0
    for joint, (x, y, visible) in zip(joints, poses["a"].tolist(), strict=True):
        if joint is None:
            assert math.isnan(x)
            assert math.isnan(visible)
        else:
            assert (x, y, visible) == (joint[0] + 0.5, joint[1] + 0.5, float(not joint[2]))


@pytest.mark.parametrize("name", ["a", "a.jpg", "a.JPG", "train_images/a.jpg", " a.jpg "])
def test_names_with_and_without_folder_and_ending(tmp_path: Path, name: str) -> None:
    assert list(read(tmp_path, f"\ufeff{name},{JOINTS}\r\n")[0]) == ["a"]


@pytest.mark.parametrize(
    "row",
    [
        "a.jpg", "name,x,y,v", f"a.jpg,{JOINTS},1", f"a.jpg,{JOINTS[:-1]}7", f"a.jpg,{JOINTS[:-1]}x",
        f"a.jpg,{JOINTS.replace('20,2', 'inf,2')}", f"a.jpg,{JOINTS.replace('20,2', '1e300,2')}", '"a.jpg,1', "\0",
        "x" * 200_000,
    ],
)  # fmt: skip
def test_rows_that_are_not_understood_are_counted(tmp_path: Path, row: str) -> None:
    poses, wrong = read(tmp_path, f"b.jpg,{JOINTS}\n{row}\nc.jpg,{JOINTS}\n\n")
    assert (sorted(poses), wrong) == (["b", "c"], 1)


def test_rows_that_contradict_each_other(tmp_path: Path) -> None:
    poses, wrong = read(tmp_path, f"a.jpg,{JOINTS}\na.jpg,{JOINTS}\nb.jpg,{JOINTS}\nb.jpg,9{JOINTS}\n")
    assert (list(poses), wrong) == (["a"], 1)


@given(st.binary(max_size=300))
def test_any_bytes(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    poses, wrong = read(tmp_path_factory.mktemp("pose"), data)
    assert not poses
    assert wrong >= 0


def test_a_csv_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is missing"):
        read_pose(SourceFile(tmp_path / "none.csv"))


@pytest.mark.parametrize("folder", ["", "TrainVal_pose_annotations/", "deep/er/"])
def test_lip_finds_its_keypoints(lip: Path, folder: str) -> None:
    (lip / folder).mkdir(parents=True, exist_ok=True)
    (lip / folder / "lip_train_set.csv").write_text(f"000001.jpg,{JOINTS}\n000002,{JOINTS}\nx,1\n")
    source = find_lip(lip)
    assert [item.name for item in source if item.keypoints is not None] == [
        "train_images/000001.jpg", "train_images/000002.jpg",
    ]  # fmt: skip
    assert "1 rows of lip_train_set.csv were not understood and were left out" in source.notes
    assert "4 of 6 train items have no keypoints" in source.notes


def test_real_keypoints(shared_data: Path) -> None:
    file = SourceFile(shared_data / "lip" / "TrainVal_pose_annotations" / "lip_val_set.csv")
    poses, wrong = read_pose(file)
    assert (len(poses), wrong) == (10_000, 0)
    assert find_lip(shared_data / "lip", "val")[0].keypoints is not None
