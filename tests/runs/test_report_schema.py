"""The JSON of `--report` is what its schema says."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from jsonschema import Draft202012Validator
from support.engage import csv, engage
from support.fakes import CommandResult, report_in
from support.samples import ROOT, SAMPLES

from segcli.runs.report import REPORT_VERSION
from segcli.sandbox import SandboxServer

Segcli = Callable[..., CommandResult]


def schema() -> Any:
    return orjson.loads((ROOT / "segcli" / "runs" / "report.schema.json").read_bytes())


def check_is_valid(report: Any) -> None:
    problems = [error.message for error in Draft202012Validator(schema()).iter_errors(report)]
    assert problems == []
    assert set(report) == set(schema()["properties"]) == set(schema()["required"])
    point = schema()["$defs"]["point"]
    assert report["series"]
    for one in report["series"]:
        assert set(one) == set(point["properties"]) == set(point["required"])


def test_schema_is_valid_and_of_this_version() -> None:
    Draft202012Validator.check_schema(schema())

    assert schema()["properties"]["report_version"]["const"] == REPORT_VERSION


def test_reports_match_it(segcli: Segcli, tmp_path: Path) -> None:
    files = [SAMPLES / "signup.jsonl", SAMPLES / "engage.jsonl"]
    faults = ["--fault", "503:30%", "--fault", "422:10%", "--seed", "7"]
    segcli("send", "-d", "gist", "--sandbox", *faults, *files, "--report", "report.json")
    sent = report_in(tmp_path)
    check_is_valid(sent)
    assert sent["series"][-1]["ledger"] == sent["ledger"]
    assert sum(sent["series"][-1]["retry_causes"].values()) == sent["retries"] > 0
    answers = [n for point in sent["series"] for _, n in point["answers_ms"]]
    assert sum(answers) == sent["requests"]

    segcli("transform", "-d", "gist", *files, "--report", "mapped.json")
    check_is_valid(orjson.loads((tmp_path / "mapped.json").read_bytes()))


def test_report_of_a_sync_matches_it(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], tmp_path: Path
) -> None:
    csv(tmp_path / "m.csv", ["u1", "u2"])
    segcli(*engage("gist", start_sandbox().endpoint("gist"), "m.csv"), "--report", "sync.json")

    check_is_valid(orjson.loads((tmp_path / "sync.json").read_bytes()))
