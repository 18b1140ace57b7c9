"""The command itself: help, version, streams, terminals, and what it imports."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from partpool_cli import output

from asda_aug.pasting.compiled import COMPILED as PASTING
from conftest import PYTHON, Cli
from partpool import __version__
from partpool.cutting.compiled import COMPILED as CUTTING

COMMANDS = ("build", "inspect", "verify", "taxonomy", "demo")
COLOUR = re.compile(r"\x1b\[[0-9;]*[34][0-7][0-9;]*m")


def paragraphs(text: str) -> list[str]:
    """Paragraphs without line breaks, whatever the width of the terminal."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]


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


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda words: "_".join(words) or "all")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_ends_with_examples_to_copy(cli: Cli, command: tuple[str, ...], option: str) -> None:
    run = cli(*command, option)
    assert (run.code, run.err) == (0, "")
    assert "Usage: " in run.out
    found = paragraphs(run.out)
    examples = found[found.index("Examples:") + 1 :]
    assert examples
    expected = "partpool" if not command else f"partpool {command[0]}"
    assert all(example.startswith(expected) for example in examples)


def test_examples_are_understood(cli: Cli, people: Path, pool: Path, tmp_path: Path) -> None:
    """What the help says, with the files of this test in place of the user's."""
    shutil.copytree(people, tmp_path / "LIP")
    shutil.copy(pool, tmp_path / "pool.h5")
    for name in ("pool-1.h5", "lip.h5", "mine.h5"):
        shutil.copy(pool, tmp_path / name)
    (tmp_path / "mine.toml").write_text("extends = 'asda26'")
    (tmp_path / "photos").symlink_to("LIP/train_images")
    (tmp_path / "parsed").symlink_to("LIP/train_segmentations")
    work = Path.cwd()
    os.chdir(tmp_path)
    try:
        for command in ("build", "merge", "inspect", "verify", "taxonomy"):
            found = paragraphs(cli(command, "--help").out)
            for example in found[found.index("Examples:") + 1 :]:
                # The shell would expand patterns; a cluster is tried elsewhere.
                names = {"pool-*.h5": "pool-1.h5", "shard-*.h5": "shard-3.h5"}
                if command == "merge":
                    names["pool.h5"] = "merged.h5"
                words = [names.get(word, word) for word in example.split()[1:]]
                if "--scheduler" in words:
                    continue
                run = cli(*words, *(["--overwrite"] if command in ("build", "merge") else []))
                assert run.code == 0, example
    finally:
        os.chdir(work)


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["build", "--help"], ["taxonomy", "--help"]])
def test_help_loads_nothing_heavy(args: list[str]) -> None:
    script = (
        "import json, sys\nfrom partpool_cli.main import app\n"
        f"try: app({args!r})\n"
        "except SystemExit as stop: code = stop.code\n"
        "print(json.dumps([code, sorted(sys.modules)]), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    code, loaded = json.loads(done.stderr)
    assert not code
    assert not {"torch", "cv2", "h5py", "numpy", "PIL"} & set(loaded)


INTERRUPTED_WHILE_IMPORTING = """
import sys
class Finder:
    def find_spec(self, name, path, target=None):
        if name == "typer":
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finder())
from partpool_cli.__main__ import run
run()
"""


def test_an_interrupt_while_modules_are_imported_ends_quietly() -> None:
    command = [sys.executable, "-c", INTERRUPTED_WHILE_IMPORTING]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


LOOPS = f"compiled loops: cutting {'yes' if CUTTING else 'no'}, pasting {'yes' if PASTING else 'no'}"
VERSION = f"partpool {__version__}\n{LOOPS}\n"


def test_version(cli: Cli, process: Cli) -> None:
    assert cli("--version") == process("--version") == (0, VERSION, "")


def test_the_script_is_installed(process: Cli) -> None:
    script = Path(sys.executable).with_name("partpool")
    if not script.exists():
        pytest.skip("partpool is not installed in this environment")
    assert process("--version", prefix=(str(script),)).out == VERSION


@pytest.mark.parametrize("args", [[], ["nothing"], ["--nothing"], ["inspect"], ["verify"], ["inspect", "--part", "x"]])
def test_usage_errors(cli: Cli, args: list[str]) -> None:
    run = cli(*args)
    assert run.code == 2
    assert "Usage: " in run.out + run.err
    assert "Traceback" not in run.err


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
