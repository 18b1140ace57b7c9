"""What is said at the end of a build: taxonomy, alarms, licences, failures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from partpool_cli.build_report import about_taxonomy, print_report
from partpool_cli.output import Output

from conftest import Cli, one_sentence
from partpool import ASDA26
from partpool.building.report import BuildReport
from partpool.building.unit_files import FailedItem
from partpool.synthetic.people import write_pairs
from partpool.taxonomy.builtin import default_taxonomy
from partpool.taxonomy.schemes import ATR, CIHP

ALONE = ("--workers", "0")


@pytest.mark.parametrize(
    ("scheme", "read_as", "said"),
    [(CIHP, "lip", "10 = jumpsuits appears as a small patch"), (ATR, "lip", "sunglasses appears as a large area")],
)
def test_the_wrong_scheme_is_said_in_one_sentence(
    cli: Cli, tmp_path: Path, scheme: object, read_as: str, said: str
) -> None:
    write_pairs(tmp_path, 12, scheme)  # type: ignore[arg-type]
    pairs = ("--images", tmp_path / "images", "--labels", tmp_path / "labels", "--scheme", read_as, *ALONE)
    run = cli("build", *pairs, "--dry-run", "--quiet")
    (line,) = run.err.splitlines()
    assert line.startswith("Warning: ")
    assert said in line
    assert line.endswith(f"are these {scheme.name} maps?")  # type: ignore[attr-defined]
    report = json.loads(cli("build", *pairs, "--dry-run", "--json").out)
    assert [f"Warning: {warning}" for warning in report["warnings"]] == [line]


def test_the_alarm_hears_all_workers(cli: Cli, tmp_path: Path) -> None:
    write_pairs(tmp_path, 34, CIHP)
    pairs = ("--images", tmp_path / "images", "--labels", tmp_path / "labels", "--scheme", "lip", "--dry-run")
    reports = [json.loads(cli("build", *pairs, "--json", "--workers", count).out) for count in (0, 2)]
    assert reports[0]["warnings"] == reports[1]["warnings"] != []


def test_saved_rejects(cli: Cli, people: Path, tmp_path: Path) -> None:
    build = ("build", "--lip", people, "--dry-run", "--save-rejects", tmp_path / "rejects", *ALONE)
    run = cli(*build)
    assert run.code == 0
    assert f"Wrote the rejected segments to {tmp_path / 'rejects'}" in run.err
    assert (tmp_path / "rejects" / "rejects.jsonl").stat().st_size > 0
    run = cli(*build)
    assert run.code == 5
    assert "pass --overwrite" in one_sentence(run.err)
    assert cli(*build, "--overwrite").code == 0


def test_real_cihp_as_lip_sounds_the_alarm(cli: Cli, shared_data: Path) -> None:
    root = shared_data / "cihp"
    run = cli(
        "build", "--images", root / "Images", "--labels", root / "Category_ids", "--scheme", "lip", "--dry-run", *ALONE
    )
    assert "Warning: 10 = jumpsuits appears as a small patch" in run.err
    right = cli(
        "build", "--images", root / "Images", "--labels", root / "Category_ids", "--scheme", "cihp",
        "--single-person", "--dry-run", *ALONE,
    )  # fmt: skip
    assert "Warning" not in right.err


def printed(report: BuildReport, capsys: pytest.CaptureFixture) -> tuple[str, str]:
    print_report(Output(), report, ASDA26)
    return tuple(capsys.readouterr())


def test_failures_are_counted_by_reason_and_the_first_are_named(capsys: pytest.CaptureFixture) -> None:
    failed = [FailedItem(f"{n}.jpg", "label-rgb" if n % 3 else "image-empty", f"says {n}") for n in range(30)]
    _, err = printed(BuildReport(None, 99, 5, failed, {"hat": {"kept": 5}}), capsys)
    assert "30 of 99 items failed: label-rgb 20, image-empty 10" in err
    assert "  19.jpg: says 19\n" in err
    assert "20.jpg" not in err
    assert "… and 10 more; --json lists them all" in err


def test_a_dry_run_and_a_pool_without_parts_say_so(capsys: pytest.CaptureFixture) -> None:
    out, err = printed(BuildReport(None, 4, pool_bytes=2_000_000), capsys)
    assert "Dry run: nothing was written; the pool would take about 2.0 MB" in out
    assert err == "No part was kept.\n"
    out, err = printed(BuildReport(Path("pool.h5"), 4, 7, pool_bytes=2_000_000, seconds=2), capsys)
    assert "7 parts from 4 items in 2.0 s (2/s)\nWrote pool.h5 (2.0 MB)\n" in out
    assert err == ""


def test_what_a_taxonomy_lacks_and_adds() -> None:
    assert about_taxonomy(ASDA26) == {"name": "asda26", "scheme": "lip", "lacks": [], "adds": []}
    assert about_taxonomy(default_taxonomy(CIHP))["adds"] == ["torso-skin"]
