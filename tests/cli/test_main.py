"""The command itself: help, version, and what it imports."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from asda_aug.pasting.compiled import COMPILED as PASTING
from conftest import Cli
from partpool import __version__
from partpool.cutting.compiled import COMPILED as CUTTING

COMMANDS = ("build", "inspect", "verify", "taxonomy", "demo")
WIDE = {"COLUMNS": "400", "TERMINAL_WIDTH": "400"}


def examples(text: str) -> list[str]:
    """The last lines of a help text, which was printed in a very wide terminal."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    return lines[lines.index("Examples:") + 1 :]


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=lambda words: "_".join(words) or "all")
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help_ends_with_examples_to_copy(cli: Cli, command: tuple[str, ...], option: str) -> None:
    run = cli(*command, option, env=WIDE)
    assert (run.code, run.err) == (0, "")
    assert "Usage: " in run.out
    expected = "partpool" if not command else f"partpool {command[0]}"
    assert examples(run.out)
    assert all(example.startswith(expected) for example in examples(run.out))


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
            for example in examples(cli(command, "--help", env=WIDE).out):
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
