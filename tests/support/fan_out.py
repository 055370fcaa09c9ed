"""Shared by the tests of fan-out: a file with three actions, a vendor, and what must hold.

Each action takes every event. `Second` cannot map some; the vendor refuses others for `Second` and
for `Third`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.fakes import Answer, ReceivedRequest, track, write_events

USERS = 7
NAMES = ("First", "Second", "Third")
STATES = ("delivered", "refused", "rejected", "unsent")
Sent = tuple[int, str]


def state_at(number: int, action: str) -> str:
    """Return what becomes of an event at an action."""
    if action == "Second" and number % 10 == 3:
        return "rejected"
    if action == "Second" and number % 10 == 7:
        return "refused"
    return "refused" if action == "Third" and number % 20 in (3, 8) else "delivered"


def failed(number: int) -> list[str]:
    return [name for name in NAMES if state_at(number, name) != "delivered"]


def state(number: int) -> str:
    """Return the state of the line of an event."""
    states = {state_at(number, name) for name in NAMES}
    return next(one for one in ("refused", "rejected", "delivered") if one in states)


def event(number: int) -> dict[str, Any]:
    properties = {} if number % 10 == 3 else {"total": number}
    return track(number, f"u{number % USERS}", properties=properties)


def file_of(folder: Path, *, batch: int = 1, route: str = "", **more: Any) -> Path:
    """Write the destination file; each action has a route of its own unless one is given."""
    mapping = {"id": {"@path": "$.messageId"}, "total": {"@path": "$.properties.total"}}
    actions = [
        {
            "name": name,
            "subscribe": 'type = "track"',
            "route": route or f"/{name}",
            "mapping": mapping | {"action": name},
            "required": ["total"] if name == "Second" else ["id"],
        }
        for name in NAMES
    ]
    document = {
        "name": "three",
        "settings": {"endpoint": {"default": "https://acme.example", "help": "where"}},
        "request": {"url": "{settings.endpoint}{route}"},
        "actions": actions,
        **({"batch": {"events": batch}} if batch > 1 else {}),
        **more,
    }
    path = folder / "three.json"
    path.write_text(json.dumps(document))
    return path


def events_in(folder: Path, count: int) -> Path:
    return write_events(folder / "events.jsonl", map(event, range(count)))


@dataclass(slots=True)
class ThreeRoutes:
    """A vendor that says the key is wrong after some requests, until `left` is raised.

    heals: it refuses nothing any more.
    got: each event that it took or refused, with its action, in order.
    taken: those that it took.
    """

    left: int = 1_000_000
    heals: bool = False
    got: list[Sent] = field(default_factory=list)
    taken: list[Sent] = field(default_factory=list)

    def __call__(self, got: ReceivedRequest) -> Answer:
        if self.left <= 0:
            return Answer(401)
        self.left -= 1
        body = json.loads(got.body)
        payloads = body if isinstance(body, list) else [body]
        sent = [(int(one["id"][1:]), one["action"]) for one in payloads]
        if not self.heals and any(state_at(*one) == "refused" for one in sent):
            # A batch is halved until only what is refused is left.
            self.got += sent if len(sent) == 1 else []
            return Answer(400)
        self.got += sent
        self.taken += sent
        return Answer()


def check_order(got: Iterable[Sent]) -> None:
    """Check that a user's events came in order, and each event's requests in the file's."""
    found: dict[int, list[tuple[int, int]]] = {}
    for number, action in dict.fromkeys(got):
        found.setdefault(number % USERS, []).append((number, NAMES.index(action)))
    assert all(sent == sorted(sent) for sent in found.values())


def check_counts(report: Mapping[str, Any], count: int, *, over_all_runs: bool = True) -> None:
    """Check the counts of lines, and those of actions, of a run without unsent lines."""
    which = "_over_all_runs" if over_all_runs else ""
    assert report[f"read{which}"] == count
    assert +Counter(report[f"ledger{which}"]) == Counter(map(state, range(count)))
    for row in report[f"actions{which}"]:
        name = row.pop("action")
        assert +Counter(row) == Counter(state_at(number, name) for number in range(count))


def check_rejects(rejects: Sequence[Mapping[str, Any]], count: int) -> None:
    """Check that each line that failed is kept once, with the actions that did not deliver it."""
    kept = sorted((one["line"] - 1, one["state"], one["actions"]) for one in rejects)
    assert kept == [(n, state(n), failed(n)) for n in range(count) if failed(n)]
    for one in rejects:
        each = one.get("requests", [])
        assert [(row["action"], row["state"]) for row in each] == (
            [(name, state_at(one["line"] - 1, name)) for name in one["actions"]] if each else []
        )
        assert (len(each) > 1) == (len(one["actions"]) > 1)
