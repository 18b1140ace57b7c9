"""Taxonomies: the built-in ones, files, compositions, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from partpool import ASDA26, EXTENDED, LIP, LabelScheme, Taxonomy, load_taxonomy
from partpool.errors import ConfigError
from partpool.taxonomy.part_classes import PartClass
from partpool.taxonomy.toml_file import compose


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


def test_toml(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        """
        extends = "asda26"
        [[class]]
        name = "arms"
        labels = ["left-arm", "right-arm"]
        size = 0.4
        bridge = ["glove"]
        """
    )
    taxonomy = load_taxonomy(path)
    assert taxonomy.name == "mine"
    assert taxonomy.names == (*ASDA26.names, "arms")
    assert taxonomy["arms"] == PartClass("arms", ("left-arm", "right-arm"), 0.4, bridge=("glove",))


def test_toml_with_a_scheme_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "cats.toml"
    path.write_text(
        """
        name = "cats"
        scheme = { name = "cat", labels = ["background", "head", "tail"] }
        [[class]]
        name = "tail"
        labels = ["tail"]
        size = 0.5
        """
    )
    assert load_taxonomy(path).scheme == LabelScheme("cat", ("background", "head", "tail"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name = ", "is not a TOML file"),
        ("\x00", "is not a TOML file"),
        ("colour = 1", "unknown keys colour"),
        ("name = 'x'", "scheme must be one of lip"),
        ("extends = 'asda99'", "there is no built-in taxonomy 'asda99'"),
        ("extends = 3", "extends must be the name"),
        ("extends = 'asda26'\nscheme = 'cihp'", "names another scheme"),
        ("scheme = 'lip'", "must have 1 to 256 classes"),
        (
            "scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['tail']\nsize = 1",
            "class 'a' names 'tail', but scheme 'lip' has",
        ),
        ("scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['hat']", "class 'a' lacks size"),
        ("scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = 'hat'\nsize = 1", "labels of class 'a' must be a list"),
        (
            "scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['hat']\nsize = 9",
            r"size of class 'a' must lie in \(0, 2\]",
        ),
        (
            "scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['hat']\nsize = 'big'",
            "size of class 'a' has the wrong type",
        ),
        ("scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['hat']\nsize = 1\nmirror = 'b'", "there is no class 'b'"),
        ("scheme = 'lip'\n[[class]]\nname = 'a'\nlabels = ['hat', 'hat']\nsize = 1", "names a label twice"),
        ("extends = 'asda26'\n[[class]]\nname = 'hat'\nlabels = ['hat']\nsize = 1", "names a class twice: hat"),
        ("scheme = 'lip'\nclass = 3", "tables"),
    ],
)
def test_wrong_toml(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        load_taxonomy(path)
    assert str(path) in str(caught.value)


def test_missing_toml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no taxonomy file"):
        load_taxonomy(tmp_path / "none.toml")


def test_compose() -> None:
    taxonomy = compose(compose(ASDA26, "arms=left-arm+right-arm"), "top=head+upper-clothes@0.45")
    assert taxonomy["arms"].labels == ("left-arm", "right-arm")
    assert taxonomy["arms"].size == 0.42
    assert "left_wrist" in taxonomy["arms"].keypoints
    assert taxonomy["top"] == PartClass(
        "top", ("hat", "hair", "sunglasses", "face", "upper-clothes"), 0.45, keypoints=taxonomy["top"].keypoints
    )


@pytest.mark.parametrize(
    "expression", ["arms", "arms=", "=left-arm", "a=b+", "a=tail", "arms=left-arm@x", "hat=hair", ""]
)
def test_wrong_compose(expression: str) -> None:
    with pytest.raises(ConfigError):
        compose(ASDA26, expression)


@given(
    st.dictionaries(st.text(max_size=8), st.one_of(st.none(), st.integers(), st.text(max_size=5), st.lists(st.text())))
)
def test_arbitrary_plain_data_is_a_class_or_a_config_error(data: dict[str, object]) -> None:
    try:
        part = PartClass.from_dict({"name": "x", "labels": ["hat"], "size": 0.1} | data)
    except ConfigError:
        return
    assert PartClass.from_dict(part.to_dict()) == part
