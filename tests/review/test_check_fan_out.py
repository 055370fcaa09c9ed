"""`check` looks at every payload of an event that several actions take."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.fakes import records, write_events
from support.fan_out import NAMES, event, events_in, file_of
from support.samples import Run

import segcli

# Event 3, and 13 of 20, are rejected by `Second`.
COUNT = 20


def test_counts_requests_and_findings_are_those_of_all_actions(tmp_path: Path) -> None:
    review = segcli.check(events_in(tmp_path, COUNT), dest=file_of(tmp_path))

    assert review.counts == {"mapped": 18, "rejected": 2, "skipped": 0}
    assert [(one.route, one.events, one.requests) for one in review.routes] == [
        ("/First", 20, 20),
        ("/Second", 18, 18),
        ("/Third", 20, 20),
    ]
    assert [(one.line, one.problem) for one in review.findings if one.level == "error"] == [
        (line, "is required, but the mapping of Second does not set it (action Second)")
        for line in (4, 14)
    ]


def test_a_field_that_one_action_carries_is_not_left_out(tmp_path: Path) -> None:
    dest = file_of(tmp_path)
    document = json.loads(dest.read_text())
    document["actions"][2]["mapping"] = {"id": {"@path": "$.messageId"}, "of": {"@path": "$.event"}}
    document["actions"][0]["mapping"] = {"id": 1, "user": {"@path": "$.userId"}}
    dest.write_text(json.dumps(document))
    review = segcli.check(events_in(tmp_path, COUNT), dest=dest)

    assert [(one.path, one.events) for one in review.left_out] == [("timestamp", COUNT)]


@pytest.mark.parametrize("form", [["--outcomes"], []], ids=["outcomes", "payloads"])
def test_golden_files_compare_the_payloads_of_all_actions(
    form: list[str], tmp_path: Path, run_segcli: Run
) -> None:
    path, dest, golden = events_in(tmp_path, 3), file_of(tmp_path), tmp_path / "golden.ndjson"
    golden.write_bytes(run_segcli("transform", "-q", "-d", dest, *form, path).stdout)
    assert segcli.check(path, dest=dest, expect=golden).findings == []

    changed = event(1)
    changed["properties"]["total"] = 100
    review = segcli.check(
        write_events(tmp_path / "other.jsonl", [event(0), changed, event(2)]),
        dest=dest,
        expect=golden,
    )
    fields = [one.field for one in review.findings]
    in_outcome = [f"requests[{at}].payload.total" for at in range(3)]
    assert fields == (in_outcome if form else ["total"] * 3)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_transform_counts_by_action_and_keeps_what_an_action_cannot_map(
    jobs: str, tmp_path: Path, run_segcli: Run
) -> None:
    path, dest = events_in(tmp_path, COUNT), file_of(tmp_path)
    kept, report = tmp_path / "kept", tmp_path / "report.json"
    options = ["--jobs", jobs, "--rejects", kept, "--report", report]
    said = run_segcli("transform", "-d", dest, *options, path)
    found: dict[str, Any] = json.loads(report.read_bytes())

    assert said.returncode == 1
    assert len(said.stdout.splitlines()) == 3 * COUNT - 2
    assert found["ledger"] == {"mapped": 18, "rejected": 2, "skipped": 0}
    assert found["actions"] == [
        {"action": name, "mapped": 18 if name == "Second" else 20,
         "rejected": 2 if name == "Second" else 0}
        for name in NAMES
    ]  # fmt: skip
    assert [(one["line"], one["actions"]) for one in records(kept)] == [
        (4, ["Second"]),
        (14, ["Second"]),
    ]
