"""What a build depends on: every change of it is refused and shown, and nothing else is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interrupted_builds import interrupt
from partpool import EXTENDED, FilterConfig, build, find_lip
from partpool.building.fingerprint import Fingerprint
from partpool.building.work_unit import UNIT
from partpool.errors import ConfigError


def touch(root: Path) -> None:
    os.utime(root / "train_images" / "000007.jpg", (1, 1))


def swap(root: Path) -> None:
    shutil.copy(root / "train_images" / "000008.jpg", root / "train_images" / "000007.jpg")


def vanish(root: Path) -> None:
    (root / "train_segmentations" / "000007.png").unlink()


def add(root: Path) -> None:
    (root / "train_id.txt").unlink()
    shutil.copy(root / "train_images" / "000008.jpg", root / "train_images" / "zz.jpg")


CHANGES: list[tuple[Callable[[Path], object] | None, dict[str, Any], str]] = [
    (touch, {}, r"train_images/000007\.jpg was written again"),
    (swap, {}, r"train_images/000007\.jpg has changed \([\d,]+ bytes, now [\d,]+\)"),
    (vanish, {}, r"train_images/000007\.jpg has lost a file"),
    (add, {}, r"70 items were found, now 71; train_images/zz\.jpg is new"),
    (None, {"codec": "png"}, r"codec was jpeg, is png"),
    (None, {"max_side": 64}, r"max_side was 320, is 64"),
    (None, {"filters": FilterConfig(min_area=7)}, r"filters\.min_area was 1225, is 7"),
    (None, {"taxonomy": EXTENDED}, r"taxonomy was asda26, is extended|; and \d+ more"),
]


@pytest.mark.parametrize(("change", "options", "said"), CHANGES, ids=lambda value: getattr(value, "__name__", None))
def test_a_change_is_refused_and_shown(
    lip: Path, tmp_path: Path, change: Callable[[Path], object] | None, options: dict[str, Any], said: str
) -> None:
    root, out = tmp_path / "LIP", tmp_path / "pool.h5"
    shutil.copytree(lip, root)
    spool = interrupt(find_lip(root), out, UNIT)
    before = sorted(path.name for path in spool.iterdir())
    if change:
        change(root)
    with pytest.raises(ConfigError, match=said) as refused:
        build(find_lip(root), out, **options)
    assert "Pass --no-resume to start over" in str(refused.value)
    assert sorted(path.name for path in spool.iterdir()) == before
    assert not out.exists()
    build(find_lip(root), tmp_path / "fresh.h5", **options)
    assert build(find_lip(root), out, resume=False, **options).resumed == 0
    assert out.read_bytes() == (tmp_path / "fresh.h5").read_bytes()


def test_other_versions_are_refused(lip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT)
    monkeypatch.setattr("partpool.building.fingerprint.versions", lambda: {"partpool": "99"})
    with pytest.raises(ConfigError, match=r"version of numpy was .*, is not set"):
        build(find_lip(lip), tmp_path / "pool.h5")


def test_what_does_not_decide_the_bytes_may_change(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    interrupt(find_lip(lip), tmp_path / "pool.h5", UNIT, workers=2, overwrite=True)
    assert build(find_lip(lip), tmp_path / "pool.h5", max_errors=5).resumed >= UNIT
    assert (tmp_path / "pool.h5").read_bytes() == whole[0]


def test_a_moved_data_set_and_spool_go_on(lip: Path, whole: tuple[bytes, Any], tmp_path: Path) -> None:
    interrupt(find_lip(lip), tmp_path / "a.h5", UNIT)
    (tmp_path / "a.h5.spool").rename(tmp_path / "b.h5.spool")
    shutil.copytree(lip, tmp_path / "LIP")
    assert build(find_lip(tmp_path / "LIP"), tmp_path / "b.h5").resumed == UNIT
    assert (tmp_path / "b.h5").read_bytes() == whole[0]


TEXTS = st.text(max_size=6)
STATS = st.lists(st.none() | st.tuples(st.integers(0, 2**40), st.floats(0, 2**33)), max_size=4).map(tuple)
PRINTS = st.builds(
    Fingerprint,
    st.dictionaries(TEXTS, TEXTS, max_size=4),
    st.lists(st.tuples(TEXTS, TEXTS, STATS), max_size=5, unique_by=lambda entry: entry[0]).map(tuple),
)


@given(PRINTS)
def test_a_fingerprint_comes_back_from_its_text(print_: Fingerprint) -> None:
    assert Fingerprint.from_json(print_.to_json()) == print_


@given(PRINTS, PRINTS)
def test_differences_are_told_where_there_are_any(before: Fingerprint, now: Fingerprint) -> None:
    assert before.differences(before) == ""
    assert bool(before.differences(now)) == (before != now)
