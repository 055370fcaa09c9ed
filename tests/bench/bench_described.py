"""The mapping speed of a destination file compared with the same mapping in Python.

    python tests/bench/bench_described.py

Prints medians and their ratio, measured in turn in one run.
"""

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parent.parent))

from support.destination_file import job_of, no_files
from support.samples import good_events

from segcli.core.destination import Payload
from segcli.core.event import Event, Rejected
from segcli.core.outcome import Job, Mapped, outcome_of
from segcli.destination_file import destination_from_text

_ROUNDS = 25
# Three actions at one address, with ids of two kinds and nested objects.
_FILE = """
name = "acme"

[settings.api_key]
secret = true
required = true

[settings.endpoint]
default = "https://us.i.posthog.com"

[settings.historical]
default = true

[request]
url = "{settings.endpoint}/batch/"

[batch]
events = 1000
bytes = 20_000_000
under = "batch"
with = { api_key = "{settings.api_key}", historical_migration = "{settings.historical}" }

[[actions]]
name = "Event"
subscribe = 'type = "track"'
required = ["distinct_id", "timestamp"]

[actions.mapping]
event = { "@path" = "$.event" }
timestamp = { "@path" = "$.timestamp" }
properties = { "@path" = "$.properties" }

[actions.mapping.distinct_id."@if"]
exists = { "@path" = "$.userId" }
then = { "@path" = "$.userId" }
else = { "@path" = "$.anonymousId" }

[[actions]]
name = "Page"
subscribe = 'type = "page" or type = "screen"'
required = ["distinct_id", "timestamp"]

[actions.mapping]
event = "$pageview"
timestamp = { "@path" = "$.timestamp" }

[actions.mapping.distinct_id."@if"]
exists = { "@path" = "$.userId" }
then = { "@path" = "$.userId" }
else = { "@path" = "$.anonymousId" }

[actions.mapping.properties]
"$current_url" = { "@path" = "$.context.page.url" }
"$referrer" = { "@path" = "$.context.page.referrer" }
"$screen_name" = { "@path" = "$.name" }
title = { "@path" = "$.context.page.title" }

[[actions]]
name = "Person"
subscribe = 'type = "identify"'
required = ["distinct_id", "timestamp"]

[actions.mapping]
event = "$identify"
timestamp = { "@path" = "$.timestamp" }
distinct_id = { "@path" = "$.userId" }

[actions.mapping.properties]
"$set" = { "@path" = "$.traits" }
"$anon_distinct_id" = { "@path" = "$.anonymousId" }
"""


def payload(event: Event, _settings: object) -> Payload:
    """Do what `_FILE` says."""
    data = event.data
    if event.type == "identify":
        return _required({
            "event": "$identify",
            "timestamp": data.get("timestamp"),
            "distinct_id": data.get("userId"),
            "properties": _present({
                "$set": data.get("traits"), "$anon_distinct_id": data.get("anonymousId")
            }),
        })  # fmt: skip
    user = data.get("userId")
    body = {
        "timestamp": data.get("timestamp"),
        "distinct_id": data.get("anonymousId") if user is None else user,
    }
    if event.type == "track":
        named = _present({"event": data.get("event"), "properties": data.get("properties")})
        return _required(body | named)
    properties = {
        "$current_url": event.get("context.page.url"),
        "$referrer": event.get("context.page.referrer"),
        "$screen_name": data.get("name"),
        "title": event.get("context.page.title"),
    }
    return _required({"event": "$pageview", **body, "properties": _present(properties)})


def _present(values: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in values.items() if value is not None}


def _required(body: dict[str, object]) -> Payload:
    for name in ("distinct_id", "timestamp"):
        if body.get(name) in (None, ""):
            raise Rejected(name, "is required")
    return Payload("/", body)


def main() -> None:
    """Measure both, in turn."""
    lines = [event.raw for event in good_events() if len(event.raw) < 10_000]
    destination = destination_from_text(_FILE, "acme.toml", no_files, taken=())
    described = job_of(destination)
    by_hand = replace(
        described, destination=replace(described.destination, payload=payload, skip_reason=_none)
    )
    jobs = {"out of a file": described, "in Python": by_hand}
    mapped = {name: _mapped(lines, job) for name, job in jobs.items()}
    assert mapped["out of a file"] == mapped["in Python"], "they do not do the same"
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(_ROUNDS):
        for name, job in jobs.items():
            times[name].append(_seconds(lambda job=job: _mapped(lines, job)))  # type: ignore[misc]
    for name, found in times.items():
        print(f"{name:15} {len(lines) / median(found):10,.0f} events/s")  # noqa: T201
    ratio = median(times["out of a file"]) / median(times["in Python"])
    print(f"a file takes {ratio:.2f} times the time of Python, reading and writing included")  # noqa: T201


def _none(_event: Event, _settings: object) -> None:
    return None


def _mapped(lines: list[bytes], job: Job) -> int:
    return sum(isinstance(outcome_of(line, job), Mapped) for line in lines)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
