"""An event that several actions take, in a run that is resumed when it is too old for some."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.fakes import Answer, ReceivedRequest, Vendor, records, write_events
from support.tables import for_each

import segcli
from segcli.errors import Stopped

Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
BEGIN = datetime.now(UTC)
# It is too old a day after the first run.
TIME = BEGIN - timedelta(days=5) + timedelta(days=1)
FACTS = {"oldest": "5d", "older": "refused"}
TOO_OLD = "too old for two, which refuses it: more than 5 days old"


class LaterClock(datetime):
    """The clock of the second run."""

    @classmethod
    def now(cls, tz: Any = None) -> "LaterClock":
        return cls.fromtimestamp((BEGIN + timedelta(days=2)).timestamp(), tz)


def file_of(folder: Path, with_rules: str) -> Path:
    """Write a file with two actions; those that are named have an age rule."""
    actions = [
        {
            "name": name,
            "subscribe": 'type = "track"',
            "route": f"/{name}",
            "mapping": {"id": {"@path": "$.messageId"}},
            **({"replay": FACTS} if name in with_rules else {}),
        }
        for name in ("First", "Second")
    ]
    document = {
        "name": "two",
        "settings": {"endpoint": {"default": "https://two.example", "help": "where"}},
        "request": {"url": "{settings.endpoint}{route}"},
        "actions": actions,
    }
    path = folder / "two.json"
    path.write_text(json.dumps(document))
    return path


# What the first action was before the run stopped, and what becomes of the event.
CASES = [
    ("Second", [200], "skip", "delivered", [], ["First"]),
    ("Second", [400], "skip", "refused", ["First"], ["First"]),
    ("Second", [200], "reject", "rejected", ["Second"], ["First"]),
    ("Second", [200], "send", "delivered", [], ["First", "Second"]),
    ("First", [200], "skip", "delivered", [], ["First", "Second"]),
    ("First", [400], "skip", "refused", ["First"], ["First", "Second"]),
    ("First Second", [200], "skip", "delivered", [], ["First"]),
    ("First Second", [400], "skip", "refused", ["First"], ["First"]),
    ("First Second", [200], "reject", "rejected", ["Second"], ["First"]),
    ("First Second", [400], "reject", "refused", ["First", "Second"], ["First"]),
]


@pytest.mark.parametrize("place", ["a.journal", "shared/"])
@for_each("case", CASES)
def test_what_is_settled_stays_and_what_is_too_old_is_not_sent(
    case: Any, place: str, vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_rules, answers, older, state, actions, got = case
    folder = tmp_path / f"{with_rules}-{answers}-{older}"
    folder.mkdir()
    sent: list[str] = []
    statuses = [*answers, 401]

    def answer(request: ReceivedRequest) -> Answer:
        status = statuses.pop(0) if statuses else 200
        if status != 401:
            sent.append(request.path.removeprefix("/"))
        return Answer(status)

    event = {"type": "track", "event": "E", "userId": "u", "messageId": "m"}
    path = write_events(folder / "events.jsonl", [event | {"timestamp": TIME.isoformat()}])
    dest, url = file_of(folder, with_rules), vendor(answer).url

    def send(**more: Any) -> segcli.Report:
        return segcli.send(
            path, dest=dest, settings={"endpoint": url}, journal=f"{folder}/{place}",
            concurrency=1, older=older, rejects=folder / "rejects.ndjson", **more,
        )  # fmt: skip

    with pytest.raises(Stopped):
        send()
    with monkeypatch.context() as later:
        later.setattr("segcli.runs.job_request.datetime", LaterClock)
        report = send(resume=True)

    assert report.ledger_over_all_runs[state] == sum(report.ledger_over_all_runs.values()) == 1
    assert sent == got
    kept = records(folder / "rejects.ndjson") if (folder / "rejects.ndjson").exists() else []
    assert [name for record in kept for name in record["actions"]] == actions
    assert [record["state"] for record in kept] == ([state] if actions else [])
    is_left_out = older == "skip" and "Second" in with_rules
    assert report.notes.get(f"one action: {TOO_OLD}", 0) == is_left_out
    assert sum(row["unsent"] for row in report.actions) == 0
