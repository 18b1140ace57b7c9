"""The built-in taxonomies are those of the contract."""

from __future__ import annotations

import json

import pytest

from partpool import ASDA26, EXTENDED, LIP, LabelScheme, Taxonomy


def test_asda26_is_the_contract() -> None:
    assert len(ASDA26) == 26
    assert ASDA26.names[:19] == LIP.labels[1:]
    assert [part.size for part in ASDA26.classes[19:]] == [0.2, 0.4, 0.5, 0.5, 0.4, 0.4, 0.9]
    reference = {part.reference: part.reference_size for part in ASDA26.classes if part.reference}
    assert len(reference) == 25
    assert (reference["Scarf"], reference["Skirt"], reference["All"]) == (0.1, 0.1, 0.9)
    assert [part.name for part in ASDA26.classes if part.split] == ["glove", "socks"]


@pytest.mark.parametrize("taxonomy", [ASDA26, EXTENDED], ids=lambda taxonomy: taxonomy.name)
def test_mirror_is_an_involution_that_swaps_sides(taxonomy: Taxonomy) -> None:
    for class_id, part in enumerate(taxonomy.classes):
        partner = taxonomy.mirror(class_id)
        assert taxonomy.mirror(partner) == class_id
        swapped = {"left": "right", "right": "left"}
        side, _, rest = part.name.partition("-")
        assert taxonomy.names[partner] == (f"{swapped[side]}-{rest}" if side in swapped else part.name)
        mirrored = {
            point.replace("left", "?").replace("right", "left").replace("?", "right") for point in part.keypoints
        }
        assert mirrored == set(taxonomy.classes[partner].keypoints)


@pytest.mark.parametrize("taxonomy", [ASDA26, EXTENDED], ids=lambda taxonomy: taxonomy.name)
def test_plain_data_round_trip(taxonomy: Taxonomy) -> None:
    data = json.loads(json.dumps(taxonomy.to_dict()))
    scheme = LabelScheme.from_dict(json.loads(json.dumps(taxonomy.scheme.to_dict())))
    assert Taxonomy.from_dict(data, scheme) == taxonomy
