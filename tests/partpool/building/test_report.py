"""What a build did, as plain data."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import pytest

from partpool.building.report import BuildReport
from partpool.building.unit_files import FailedItem


@pytest.mark.parametrize("out", [None, Path("é") / "pool.h5"])
def test_a_report_is_json_and_holds_everything(out: Path | None) -> None:
    failed = [FailedItem("ж.jpg", "label-rgb", "the label map is a colour picture")]
    report = BuildReport(out, 7, 5, failed, {"hat": {"kept": 5, "small": 2}}, 1234, 3, ["careful"], 1.23456)
    data = json.loads(json.dumps(report.to_dict()))
    assert set(data) == {field.name for field in fields(BuildReport)}
    assert data["out"] == (None if out is None else str(out))
    assert data["failed"] == [{"name": "ж.jpg", "reason": "label-rgb", "message": failed[0].message}]
    assert data["seconds"] == 1.235
    same = ("items", "parts", "counts", "pool_bytes", "resumed", "warnings")
    assert {name: data[name] for name in same} == {name: getattr(report, name) for name in same}
