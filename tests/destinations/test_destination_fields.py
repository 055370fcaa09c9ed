"""The documented mapping is exact: every row is true, and no other field has an effect."""

import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import zip_longest
from typing import Any

from support.samples import EVERYBODY, find, good_events, payload_of
from support.tables import for_each

from segcli import catalog
from segcli.core import exact_json
from segcli.core.destination import Field
from segcli.core.event import Event, Rejected, parse
from segcli.core.event_time import parse_time

Path = tuple[str | int, ...]

# Those whose requests have what the mapping gives, and not in another form: of Klaviyo it stands
# within objects of the vendor's, and of the CRM in the address.
PLAIN = [name for name in EVERYBODY if name not in {"klaviyo", "crm"}]


@dataclass(frozen=True, slots=True)
class Change:
    """A sample event in which one value was replaced, and which parts of the payload moved."""

    kind: str
    source: str
    moved: frozenset[str]


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every value that holds no other, with its path."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path, value


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def other(value: Any) -> Any:
    """Return another value of the same kind; of a time another time."""
    if isinstance(value, bool):
        return not value
    if not isinstance(value, str):
        return 2 if value == 1 else 1
    try:
        parse_time(value)
    except ValueError:
        return f"{value} changed"
    return "2031-05-06T07:08:09.000Z"


def with_another(value: Any, path: Path) -> Any:
    """Return a copy in which the value at the path is another one."""
    if not path:
        return other(value)
    changed = copy.copy(value)
    changed[path[0]] = with_another(value[path[0]], path[1:])
    return changed


def mapped(name: str, event: Event) -> Any:
    """Return the payload; None where the event is rejected."""
    try:
        body = payload_of(name, event).body
    except Rejected:
        return None
    return exact_json.loads(body) if isinstance(body, bytes) else body


def moved_parts(before: Any, after: Any, path: Path = ()) -> Iterator[str]:
    """Yield the dotted paths of the values in which two payloads differ; null is like no value."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in before.keys() | after.keys():
            # Most are the same; a generator for each of them takes most of the time.
            if (one := before.get(key)) != (another := after.get(key)):
                yield from moved_parts(one, another, (*path, key))
        return
    if isinstance(before, list) and isinstance(after, list):
        for number, (one, another) in enumerate(zip_longest(before, after)):
            yield from moved_parts(one, another, (*path, number))
        return
    for value in (before, after):
        yield from (dotted(part) for part, leaf in leaves(value, path) if leaf is not None)


@cache
def changed_samples() -> tuple[tuple[Event, list[tuple[str, Event]]], ...]:
    """Return one sample event of each shape, with each of its values replaced in turn.

    For each replaced value: its dotted path and the changed event. Not of the giant event.
    """
    shapes = {
        (event.type, tuple(path for path, _ in leaves(event.data))): event
        for event in good_events()
        if len(event.raw) < 10_000
    }
    return tuple((event, list(changed_in_turn(event))) for event in shapes.values())


def changed_in_turn(event: Event) -> Iterator[tuple[str, Event]]:
    for path, value in leaves(event.data):
        if value is not None and path != ("type",):
            yield dotted(path), parse(exact_json.dumps(with_another(event.data, path)))


def changes_in(name: str) -> Iterator[Change]:
    """Map every changed sample event that the destination takes and see what moves."""
    for event, changed in changed_samples():
        if event.type not in find(name).types or (before := mapped(name, event)) is None:
            continue
        for source, another in changed:
            after = mapped(name, another)
            if after is not None:
                yield Change(event.type, source, frozenset(moved_parts(before, after)))


@cache
def changes(name: str) -> tuple[Change, ...]:
    """Return the different changes: many events move the same parts."""
    return tuple(dict.fromkeys(changes_in(name)))


def is_on(row: Field, kind: str) -> bool:
    """Whether a row is about calls of this type."""
    return not row.on or kind in row.on.split(", ")


def target_of(row: Field, change: Change) -> str | None:
    """Return where the row says that the changed value goes; None where it is not about it."""
    start, star, _ = row.source.partition("*")
    # Most rows are about other fields: that is asked first.
    is_about = change.source.startswith(start) if star else change.source == row.source
    if not is_about or not is_on(row, change.kind):
        return None
    return row.target.replace("*", change.source.removeprefix(start)) if star else row.target


def is_within(part: str, target: str) -> bool:
    """Whether a part of the payload is the target, within it, or the list that it was joined to."""
    return part == target or part.startswith(f"{target}.") or target.startswith(f"{part}.")


def says(row: Field, change: Change, part: str) -> bool:
    """Whether a row says that this change moves this part, by its columns or in its note."""
    target = target_of(row, change)
    if target is not None and is_within(part, target):
        return True
    # An id for an event without one is made of the whole event.
    is_digest = (row.source == "messageId" and "digest" in row.note) or (
        not row.source and "without messageId" in row.note
    )
    # Another name of an event may be for another action.
    is_other_action = change.source == "event" and "by Purchase" in row.note
    by_note = is_noted(row, change) or is_digest or is_other_action
    return by_note and is_on(row, change.kind) and is_within(part, row.target)


def is_noted(row: Field, change: Change) -> bool:
    """Whether the note of a row names the field that was changed."""
    return change.source.rpartition(".")[2] in re.findall(r"\w+", row.note)


def is_overridden_by(winner: Field, change: Change, rows: Sequence[Field]) -> bool:
    """Whether a row notes that it wins over what another row puts there."""
    targets = [target_of(row, change) or "" for row in rows]
    place = winner.target.removesuffix("*")
    return "wins over" in winner.note and any(target.startswith(place) for target in targets)


def is_in_samples(name: str, row: Field) -> bool:
    """Whether a sample has what a row of the catalog is about; those of the others all have it."""
    tried = name not in catalog.NAMES or any(target_of(row, one) for one in changes(name))
    # Every group of the samples has a user.
    lacks = row.on == "group" and "without userId" in row.note
    return tried and row.source != "type" and not decides(row) and not lacks


def decides(row: Field) -> bool:
    """Whether a row is about a value that only has to be there."""
    return "decides" in row.note


def is_unseen(name: str, row: Field) -> bool:
    """Whether a row of the catalog is about ids or values in whose place samples have others."""
    choices = ("without ", "decides", "if it is", "by a table", "not in the body")
    is_choice = any(word in row.note for word in choices)
    return name in catalog.NAMES and is_choice


def rows_in_samples() -> list[tuple[str, Field]]:
    """Return each row of a destination that samples have something for.

    A row without a source is about what is always the same. With another name a track of Slack's
    is not for Slack any more.
    """
    return [
        (name, row)
        for name in PLAIN
        for row in find(name).fields
        if row.source and (name, row.source) != ("slack", "event") and is_in_samples(name, row)
    ]


@for_each(("name", "row"), rows_in_samples)
def test_changed_source_field_changes_the_documented_target(name: str, row: Field) -> None:
    seen = [
        change
        for change in changes(name)
        if (target := target_of(row, change)) is not None
        and any(is_within(part, target) for part in change.moved)
    ]

    assert seen or is_unseen(name, row)


@for_each("name", PLAIN)
def test_no_field_changes_an_undocumented_part_of_the_payload(name: str) -> None:
    unsaid = {
        f"{change.kind}: {change.source} moves {part}"
        for change in changes(name)
        for part in change.moved
        if not any(says(row, change, part) for row in find(name).fields)
    }

    assert not unsaid


@for_each("name", PLAIN)
def test_every_documented_field_has_an_effect_unless_noted(name: str) -> None:
    rows = find(name).fields
    moving = {(change.kind, change.source) for change in changes(name) if change.moved}
    idle = {
        f"{change.kind}: {change.source}"
        for change in changes(name)
        if (change.kind, change.source) not in moving
        and not any(decides(row) and target_of(row, change) for row in rows)
        # `@each` leaves out a field without a name.
        and not (name in catalog.NAMES and change.source.endswith("."))
        and any(target_of(row, change) is not None for row in rows)
        and not any("at most" in row.note and target_of(row, change) is not None for row in rows)
        and not any(is_noted(row, change) or is_overridden_by(row, change, rows) for row in rows)
    }

    assert not idle


@for_each("name", EVERYBODY)
def test_every_destination_has_a_one_line_summary_and_field_rows(name: str) -> None:
    destination = find(name)

    assert destination.name == name
    assert destination.about
    assert "\n" not in destination.about
    assert destination.fields
    kinds = {kind for row in destination.fields for kind in row.on.split(", ") if row.on}
    assert kinds <= destination.types
