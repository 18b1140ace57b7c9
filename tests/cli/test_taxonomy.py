"""``partpool taxonomy``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import Cli, one_sentence
from partpool import ASDA26, EXTENDED, LabelScheme, Taxonomy

OWN = """
name = "own"
extends = "asda26"
[[class]]
name = "arms"
labels = ["left-arm", "right-arm"]
size = 0.4
"""


def test_table(cli: Cli) -> None:
    run = cli("taxonomy")
    assert (run.code, run.err) == (0, "")
    for name in ASDA26.names:
        assert name in run.out
    assert "26 classes of taxonomy asda26 over scheme lip" in run.out


@pytest.mark.parametrize("taxonomy", [ASDA26, EXTENDED], ids=["asda26", "extended"])
def test_json_is_the_whole_taxonomy(cli: Cli, taxonomy: Taxonomy) -> None:
    run = cli("taxonomy", taxonomy.name, "--json")
    assert (run.code, run.err) == (0, "")
    document = json.loads(run.out)
    scheme = LabelScheme.from_dict(document.pop("scheme"))
    assert Taxonomy.from_dict(document, scheme) == taxonomy


def test_a_file_and_compositions(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    run = cli("taxonomy", path, "--compose", "hands=glove+arms", "--compose", "all-hands=hands+scarf@0.5", "--json")
    assert run.code == 0
    classes = {entry["name"]: entry for entry in json.loads(run.out)["classes"]}
    assert len(classes) == 29
    assert classes["hands"]["labels"] == ["glove", "left-arm", "right-arm"]
    assert classes["all-hands"]["size"] == 0.5
    assert "all-hands" in cli("taxonomy", path, "--compose", "all-hands=scarf+glove").out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nothing"], "no built-in taxonomy 'nothing'; there are: asda26, extended, asda26-cihp"),
        (["nothing.toml"], "there is no taxonomy file nothing.toml"),
        (["--compose", "arms"], "NAME=a+b"),
        (["--compose", "arms="], "NAME=a+b"),
        (["--compose", "=left-arm"], "NAME=a+b"),
        (["--compose", "arms=left-arm+"], "NAME=a+b"),
        (["--compose", "arms=left-arm+rigth-arm"], "'rigth-arm', but scheme 'lip' has only: hat, hair"),
        (["--compose", "bg=background+hat"], "'background', but scheme"),
        (["--compose", "hat=hair+face"], "names a class twice: hat"),
        (["--compose", "arms=left-arm+right-arm@9"], "must lie in (0, 2], but got 9"),
        (["--compose", "arms=left-arm+right-arm@1.2.3"], "'1.2.3' is not a size"),
    ],
)
def test_mistakes(cli: Cli, args: list[str], said: str) -> None:
    run = cli("taxonomy", *args)
    assert (run.code, run.out) == (2, "")
    assert said in one_sentence(run.err)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = ", "is not a TOML file"),
        ("name = 'x'\xff", "is not a TOML file"),
        ("", "scheme must be one of lip"),
        ("scheme = 'cipp'", "scheme must be one of lip"),
        ("scheme = 'lip'", "1 to 256 classes"),
        ("extends = 'asda27'", "no built-in taxonomy 'asda27'"),
        ("extends = 26", "extends must be the name"),
        ("extends = 'asda26'\ncolour = 'red'", "unknown keys colour"),
        ("extends = 'asda26'\nname = 3", "name must be a string"),
        ("extends = 'asda26'\nclass = [7]", "class"),
        (OWN.replace("size = 0.4", ""), "class 'arms' lacks size"),
        (OWN.replace("0.4", "'big'"), "size of class 'arms' has the wrong type"),
        (OWN.replace("0.4", "nan"), "must lie in (0, 2]"),
        (OWN.replace("0.4", "true"), "size of class 'arms' has the wrong type"),
        (OWN.replace("right-arm", "right-wing"), "names 'right-wing'"),
        (OWN.replace('"arms"', '"hat"'), "names a class twice: hat"),
        (OWN.replace('"arms"', '""'), "needs a name"),
        (OWN + 'mirror = "legs"', "legs"),
        (OWN + "colour = 1", "unknown keys: colour"),
        (OWN + "split = true", "cannot be split"),
    ],
)
def test_wrong_files(cli: Cli, tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(text.encode("latin-1"))
    run = cli("taxonomy", path)
    assert (run.code, run.out) == (2, "")
    message = one_sentence(run.err)
    assert said in message
    assert str(path) in message


def test_a_folder_is_no_file(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "x.toml").mkdir()
    run = cli("taxonomy", tmp_path / "x.toml")
    assert run.code == 2
    assert "cannot be read" in one_sentence(run.err)
