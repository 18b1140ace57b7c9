"""Data and ways to run the command line that several test files share."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

# How long an example takes is the machine's affair.
settings.register_profile("patient", deadline=None)
# CI says whether this change is good, not whether today's random examples are.
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "patient")

# A shell that starts this in the background has it ignore Ctrl-C, and commands that are tried would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
PYTHON = (sys.executable, "-m", "partpool_cli")
# Everything is imported before privileges are dropped: another user may not be let into root's Python.
UNPRIVILEGED = """
import contextlib, importlib, io, os, pkgutil, sys
import partpool, partpool_cli
from partpool_cli.main import app
if os.geteuid() == 0:
    # The other user may not be able to enter the folders that modules come from.
    for package in (partpool, partpool_cli):
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    people, pool = sys.argv[1:3]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        for warm_up in (["build", "--lip", people, "--out", pool, "--workers", "0"], ["inspect", ""], ["inspect"]):
            with contextlib.suppress(SystemExit):
                app(warm_up)
    try:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
    except OSError:
        sys.exit(77)
app(sys.argv[3:])
"""


class Run(NamedTuple):
    """What a command did."""

    code: int
    out: str
    err: str


Cli = Callable[..., Run]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real pairs that may not be committed."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data is not on this machine ({SHARED_DATA})")
    return SHARED_DATA


def write_small_people(root: Path, count: int) -> None:
    """A LIP folder of so many different items that are quickly cut: small pictures of a few people, ever darker."""
    import numpy as np
    from PIL import Image

    from partpool.synthetic.people import draw_person

    rng = np.random.default_rng(0)
    drawn = [draw_person(rng) for _ in range(8)]
    for folder in ("train_images", "train_segmentations"):
        (root / folder).mkdir(parents=True)
    for number in range(count):
        person = drawn[number % len(drawn)]
        image = person.image[::3, ::3] - np.minimum(person.image[::3, ::3], number // len(drawn))
        Image.fromarray(image).save(root / "train_images" / f"{number:06d}.jpg", quality=95)
        Image.fromarray(person.labels[::3, ::3]).save(root / "train_segmentations" / f"{number:06d}.png")
    (root / "train_id.txt").write_text("".join(f"{number:06d}\n" for number in range(count)))


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LIP folder of six synthetic people; read only by agreement."""
    from partpool.synthetic.people import write_lip_dataset

    root = tmp_path_factory.mktemp("people") / "LIP"
    write_lip_dataset(root, 6, seed=0)
    return root


@pytest.fixture
def lip(people: Path, tmp_path: Path) -> Path:
    """A copy of the people that a test may damage."""
    return shutil.copytree(people, tmp_path / "LIP")


@pytest.fixture(scope="session")
def crowd(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LIP folder of 480 people: the six, linked again and again."""
    root = tmp_path_factory.mktemp("crowd") / "LIP"
    for folder in ("train_images", "train_segmentations"):
        (root / folder).mkdir(parents=True)
        files = sorted((people / folder).iterdir())
        for number in range(480):
            file = files[number % len(files)]
            os.link(file, root / folder / f"{number:04d}{file.suffix}")
    return root


@pytest.fixture(scope="session")
def pool(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of the six people; read only by agreement."""
    from partpool import build, find_lip

    path = tmp_path_factory.mktemp("pool") / "people.h5"
    build(find_lip(people), path)
    return path


@pytest.fixture(scope="session")
def crowd_pool(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pool of the crowd, built without any trouble; read only by agreement."""
    from partpool import build, find_lip

    path = tmp_path_factory.mktemp("crowd-pool") / "pool.h5"
    build(find_lip(crowd), path)
    return path


@pytest.fixture
def cli() -> Cli:
    """Runs the command in this process; anything but an exit is an error of the test."""
    from partpool_cli.main import app
    from typer.testing import CliRunner

    def run(*args: object, env: dict[str, str] | None = None) -> Run:
        result = CliRunner().invoke(app, [str(arg) for arg in args], env=env)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Run(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Cli:
    """Runs the command as a process of its own."""

    def run(
        *args: object, cwd: Path = tmp_path, timeout: float = 60, prefix: tuple[str, ...] = PYTHON, **env: str
    ) -> Run:
        command = [*prefix, *map(str, args)]
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **env}, timeout=timeout, capture_output=True, check=False
        )
        return Run(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    return run


@pytest.fixture
def unprivileged(process: Cli, people: Path, tmp_path: Path) -> Cli:
    """Runs the command as a user whom permissions stop, also where the tests run as root."""

    def run(*args: object) -> Run:
        done = process(*args, prefix=(sys.executable, "-c", UNPRIVILEGED, str(people), str(tmp_path / "warm-up.h5")))
        if done.code == 77:
            pytest.skip("runs as root, and may not become another user")
        return done

    return run


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """An empty folder that every user may enter and write to; pytest's own are closed to others."""
    folder = Path(tempfile.mkdtemp(prefix="partpool-test-"))
    folder.chmod(0o777)
    yield folder
    for path in folder.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture
def full_disk(process: Cli, tmp_path: Path) -> Callable[..., tuple[Run, Path]]:
    """Runs the command in a file system of so many bytes; returns a copy of what is in it afterwards, too."""
    disk, after = tmp_path / "disk", tmp_path / "after"
    disk.mkdir()
    mount = 'mount -t tmpfs -o size="$0" none . && cd "$PWD" && '
    prefix = ("unshare", "-m", "sh", "-c")

    def run(size: int, *args: object, before: str = "true") -> tuple[Run, Path]:
        if not shutil.which("unshare") or process(mount + "true", size, cwd=disk, prefix=prefix).code:
            pytest.skip("a small file system cannot be mounted here")
        script = f'{mount} {before} && {{ "$@"; code=$?; cp -R . {shlex.quote(str(after))}; exit $code; }}'
        return process(script, size, *PYTHON, *args, cwd=disk, prefix=prefix), after

    return run


def one_sentence(err: str) -> str:
    """The message of a failed command, which must be one line of text."""
    lines = [line for line in err.splitlines() if line and not line.startswith("Note: ")]
    assert len(lines) == 1, err
    assert lines[0].startswith("Error: ")
    assert "\x1b" not in err
    return lines[0].removeprefix("Error: ")
