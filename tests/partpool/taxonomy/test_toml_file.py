"""Taxonomies of one's own: files, compositions, and what they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest

from partpool import ASDA26, LabelScheme, load_taxonomy
from partpool.errors import ConfigError
from partpool.taxonomy.part_classes import PartClass
from partpool.taxonomy.toml_file import compose


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
