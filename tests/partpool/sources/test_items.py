"""Items in order, their files, and their shards."""

from __future__ import annotations

import pickle
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partpool import LIP, Item
from partpool.errors import ConfigError
from partpool.sources import Source, SourceFile
from partpool.sources.items import normal_name, ordered


def source(count: int) -> Source:
    return Source(ordered(Item(f"{number:04d}.jpg", None, None) for number in range(count)), LIP, "pairs")


@given(count=st.integers(0, 60), of=st.integers(1, 12))
def test_shards_divide_the_items(count: int, of: int) -> None:
    whole = source(count)
    shards = [whole.shard(number, of) for number in range(1, of + 1)]
    assert [item for shard in shards for item in shard] == list(whole)
    assert max(map(len, shards)) - min(map(len, shards)) <= 1
    assert [shard.part for shard in shards] == [(number, of) for number in range(1, of + 1)]


@pytest.mark.parametrize(("number", "of"), [(0, 3), (4, 3), (1, 0), (-1, 2)])
def test_there_is_no_such_shard(number: int, of: int) -> None:
    with pytest.raises(ConfigError, match=rf"from 1 to their count, but got {number}/{of}"):
        source(5).shard(number, of)


@given(st.lists(st.text(max_size=5)))
def test_items_are_ordered_by_name(names: list[str]) -> None:
    assert [item.name for item in ordered(Item(name, None, None) for name in names)] == sorted(names)


def test_files_of_an_item_are_all_that_it_is_read_from() -> None:
    image, labels, persons, mask = (SourceFile(Path(name)) for name in ("a.jpg", "a.png", "p.png", "m.png"))
    assert list(Item("a.jpg", image, labels, persons=persons).files()) == [image, labels, persons]
    assert list(Item("a.jpg", image, None, masks=((3, mask),)).files()) == [image, mask]
    assert list(Item("a", None, None).files()) == []
    assert pickle.loads(pickle.dumps(Item("a.jpg", image, labels))) == Item("a.jpg", image, labels)


@given(st.text(st.characters(), max_size=8) | st.just("a\udcff"))
def test_names_are_nfc_and_utf_8(name: str) -> None:
    spelt = normal_name(name)
    assert spelt.encode("utf-8").decode("utf-8") == spelt
    assert unicodedata.is_normalized("NFC", spelt)
    assert normal_name(spelt) == spelt
