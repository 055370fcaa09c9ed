"""The sample events, and helpers to map one; no tests here."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from segcli import catalog, destinations
from segcli.core.destination import Destination, Payload
from segcli.core.event import Event, Rejected, parse
from segcli.core.outcome import Job
from segcli.core.replay_age import ReplayOptions
from segcli.core.selection import Selection
from segcli.core.settings import SettingSources, read_settings
from segcli.destination_source import find_destination

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "sample_events"
# The destinations that a file describes.
EXAMPLES = {path.stem: path for path in sorted((SAMPLES / "destinations").iterdir())}
EVERYBODY = (*destinations.BUILT_IN, *catalog.NAMES, *EXAMPLES)
# The time from which the ages of samples are counted: some weeks after they happened.
SAMPLES_SENT = datetime(2026, 3, 1, tzinfo=UTC)
NAMES = ("all_types", "checkout", "engage", "hostile", "mobile", "signup")
Run = Callable[..., subprocess.CompletedProcess[bytes]]
KEY = "sk_live_8f2b61c0d9e74a53"


def lines_of(name: str) -> list[bytes]:
    """Return the lines of a sample, without their line breaks."""
    return (SAMPLES / f"{name}.jsonl").read_bytes().removesuffix(b"\n").split(b"\n")


@cache
def good_events() -> tuple[Event, ...]:
    """Return every sample event that passes the checks of Segment's spec."""
    return tuple(_parsed(line for name in NAMES for line in lines_of(name)))


def _parsed(lines: Iterator[bytes]) -> Iterator[Event]:
    for line in lines:
        try:
            yield parse(line)
        except Rejected:
            continue


def line_of(**fields: Any) -> bytes:
    """Return a track event with these fields as a line; a field that is `...` is left out."""
    event = {"type": "track", "event": "Tried", "userId": "u1"} | fields
    return json.dumps({key: value for key, value in event.items() if value is not ...}).encode()


def event_of(**fields: Any) -> Event:
    """Return a track event with these fields; a field that is `...` is left out."""
    return parse(line_of(**fields))


@cache
def find(name: str) -> Destination[Any]:
    """Return a destination, built in or an example of one that a file describes."""
    return (
        find_destination(str(EXAMPLES[name]))
        if name in EXAMPLES
        else destinations.named_destination(name)
    )


@cache
def job_for(name: str, *, selection: Selection | None = None, **given: str) -> Job:
    """Return the job of mapping for a destination, with settings as `--set` takes them."""
    destination = find(name)
    sources = SettingSources(given=given, env={}, table={})
    values = read_settings(name, destination.settings, sources)
    # Ages do not depend on the day of the test.
    return Job(
        destination=destination,
        settings=values,
        selection=selection or Selection(),
        replay=ReplayOptions(now=SAMPLES_SENT, is_fixed=True),
    )


def payload_of(name: str, event: Event, **given: str) -> Payload:
    """Return what an event becomes for a destination; raises Rejected."""
    job = job_for(name, **given)
    return job.destination.payload(event, job.settings)
