"""Streams and terminals: colours, progress, JSON, and characters that a stream cannot take."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest
import typer
from partpool_cli import output

from conftest import PYTHON, Cli
from partpool.errors import FileError, ItemError, PartPoolError

COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7][0-9;]*m")


def in_terminal(*args: object, **env: str) -> tuple[int, str]:
    """Run the command in a terminal of 100 columns; what it wrote there."""
    leader, follower = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": "100"} | {
        key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS")
    }
    process = subprocess.Popen(
        [*PYTHON, *map(str, args)], stdin=follower, stdout=follower, stderr=follower, env={**environment, **env}
    )
    os.close(follower)
    written = b""
    while True:
        try:
            data = os.read(leader, 65536)
        except OSError:
            break
        if not data:
            break
        written += data
    os.close(leader)
    return process.wait(timeout=30), written.decode("utf-8", "replace")


@pytest.mark.parametrize("args", [["taxonomy"], ["--help"], ["taxonomy", "nothing"], ["build"]])
def test_no_color(args: list[str]) -> None:
    _, plain = in_terminal(*args, NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert plain.strip()


def test_help_is_coloured_in_a_terminal() -> None:
    code, text = in_terminal("--help")
    assert code == 0
    assert COLOUR.search(text)


@pytest.mark.parametrize("env", [{"FORCE_COLOR": "1", "PY_COLORS": "1"}, {"GITHUB_ACTIONS": "true"}])
def test_json_is_plain_whatever_the_environment(process: Cli, pool: Path, env: dict[str, str]) -> None:
    for args in (("taxonomy", "--json"), ("inspect", pool, "--json"), ("verify", pool, "--json")):
        run = process(*args, **env)
        assert run.code == 0
        assert "\x1b" not in run.out
        json.loads(run.out)


def test_json_is_plain_in_a_terminal(pool: Path) -> None:
    code, text = in_terminal("inspect", pool, "--json")
    assert code == 0
    assert "\x1b" not in text
    assert json.loads(text)["n_items"] == 6


def test_progress_in_a_terminal(people: Path, tmp_path: Path) -> None:
    code, text = in_terminal("build", "--lip", people, "--out", tmp_path / "pool.h5", "--workers", "0")
    assert code == 0
    assert "Cutting" in text
    assert "6/6" in text
    assert "Traceback" not in text


def test_progress_without_a_terminal(cli: Cli, people: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(output, "PLAIN_INTERVAL", 0.0)
    args = ("build", "--lip", people, "--workers", "0", "--json")
    run = cli(*args, "--out", tmp_path / "pool.h5")
    assert re.search(r"^Cutting: 6 of 6, [\d,]+/s, 0 s left, \d+ parts$", run.err, re.MULTILINE)
    json.loads(run.out)
    assert cli(*args, "--out", tmp_path / "quiet.h5", "--quiet").err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize("args", [["--help"], ["build", "--help"], ["taxonomy"], ["inspect"], ["inspect", "--json"]])
def test_streams_that_cannot_take_every_character(process: Cli, pool: Path, args: list[str], encoding: str) -> None:
    words = [*args, str(pool)] if args[0] == "inspect" else args
    run = process(*words, PYTHONIOENCODING=encoding)
    assert run.code == 0
    assert "Traceback" not in run.err


def test_names_that_a_stream_cannot_take(process: Cli, lip: Path) -> None:
    (lip / "train_id.txt").unlink()
    (lip / "train_images" / "жук é.jpg").touch()
    args = ("build", "--lip", lip, "--dry-run", "--workers", "0")
    run = process(*args, "--json", PYTHONIOENCODING="ascii")
    assert run.code == 3
    assert [item["name"] for item in json.loads(run.out)["failed"]] == ["train_images/жук é.jpg"]
    assert process(*args, PYTHONIOENCODING="ascii").code == 3


def test_names_that_are_no_text(process: Cli, lip: Path) -> None:
    (lip / "train_id.txt").unlink()
    for ending in (b".jpg", b".png"):
        Path(os.fsdecode(os.fsencode(lip) + b"/train_images/\xff" + ending)).touch()
    run = process("build", "--lip", lip, "--dry-run", "--json", "--workers", "0", PYTHONIOENCODING="utf-8")
    assert run.code == 3
    assert [item["reason"] for item in json.loads(run.out)["failed"]] == ["ambiguous"]


@pytest.mark.parametrize("args", ["taxonomy --json", "taxonomy", "--help"])
def test_readers_that_leave_and_full_streams(process: Cli, args: str) -> None:
    command = f"{' '.join(PYTHON)} {args}"
    for script in (f"{command} | head -c 20", f"{command} > /dev/full"):
        run = process(prefix=("sh", "-c", script))
        assert "Traceback" not in run.err, script


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (1_250_000, "1.2 MB"),
        (3 * 10**9, "3.0 GB"),
        (7 * 10**15, "7,000.0 TB"),
    ],
)
def test_sizes_as_people_read_them(size: int, said: str) -> None:
    assert output.size_text(size) == said


RAISED = [
    kind for kind in PartPoolError.__subclasses__() if kind.__module__ == "partpool.errors" and kind is not FileError
]
"""Those of asda_aug are others' business: commands turn them into one of these."""


@pytest.mark.parametrize("kind", RAISED)
def test_every_error_of_a_command_has_an_exit_code(kind: type[PartPoolError], capsys: pytest.CaptureFixture) -> None:
    @output.reports_errors
    def command() -> None:
        raise kind("label-odd", "[bold]odd[/bold]") if issubclass(kind, ItemError) else kind("[bold]odd[/bold]")

    with pytest.raises(typer.Exit) as ended:
        command()
    assert ended.value.exit_code in (output.USAGE, output.FAILED_ITEMS, output.BAD_INPUT, output.BAD_OUTPUT)
    assert capsys.readouterr() == ("", "Error: [bold]odd[/bold]\n")


def test_only_quiet_commands_leave_messages_out(capsys: pytest.CaptureFixture) -> None:
    for quiet in (False, True):
        out = output.Output(quiet)
        out.result("result")
        out.message("message")
        out.warning("warning")
        assert capsys.readouterr() == ("result\n", "warning\n" if quiet else "message\nwarning\n")
