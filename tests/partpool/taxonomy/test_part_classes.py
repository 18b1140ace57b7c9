"""Part classes out of plain data, whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from partpool.errors import ConfigError
from partpool.taxonomy.part_classes import PartClass


@given(
    st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text())))
)
def test_arbitrary_plain_data_is_a_class_or_a_config_error(data: dict[str, object]) -> None:
    try:
        part = PartClass.from_dict({"name": "x", "labels": ["hat"], "size": 0.1} | data)
    except ConfigError:
        return
    assert PartClass.from_dict(part.to_dict()) == part
