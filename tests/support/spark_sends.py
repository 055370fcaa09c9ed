"""A vendor for sends on Spark, and what must be true of what it received; no tests here."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from segcli.core.event import Event, Rejected, parse
from segcli.inputs import inputs
from segcli.lines.chunks import chunks


@dataclass(frozen=True, slots=True)
class Received:
    """What is true of the events that a vendor has received.

    lost: requests that it has not received.
    twice: how many it has received more than once.
    out_of_order: requests that first came before an earlier one of their user.
    """

    events: int
    lost: int
    twice: int
    out_of_order: int


def judged(folder: Path, received: Sequence[str]) -> Received:
    """Return what is true of these messageIds, in the order in which the vendor accepted them."""
    return judged_by_action(folder, [(one, "") for one in received], ("",))


def judged_by_action(
    folder: Path, received: Sequence[tuple[str, str]], actions: Sequence[str]
) -> Received:
    """Return what is true of these messageIds, each with its action; every action takes all events.

    The requests of an event have the order of the actions.
    """
    places = places_of(folder)
    counts = Counter(received)
    last: defaultdict[str, int] = defaultdict(lambda: -1)
    out_of_order = 0
    for message_id, action in dict.fromkeys(received):
        user, number = places[message_id]
        place = number * len(actions) + actions.index(action)
        out_of_order += place != last[user] + 1
        last[user] = place
    expected = {(message_id, action) for message_id in places for action in actions}
    return Received(
        events=len(places),
        lost=len(expected - counts.keys()),
        twice=sum(count > 1 for count in counts.values()),
        out_of_order=out_of_order,
    )


def places_of(folder: Path) -> Mapping[str, tuple[str, int]]:
    """Return the user of each messageId, and its place among the user's events."""
    found: dict[str, tuple[str, int]] = {}
    seen: Counter[str] = Counter()
    for chunk in chunks(inputs([str(folder)])):
        for event in filter(None, map(_event, chunk.lines)):
            user = event.user_id or event.anonymous_id or ""
            found[str(event.data["messageId"])] = user, seen[user]
            seen[user] += 1
    return found


def _event(line: object) -> Event | None:
    try:
        return parse(line) if isinstance(line, bytes) and line.strip() else None
    except Rejected:
        return None


def message_ids(log: Path) -> list[str]:
    """Return the messageIds in the log of a vendor."""
    text = log.read_text() if log.exists() else ""
    return [json.loads(line)["messageId"] for line in text.splitlines()]
