"""Probes an event: maps it several times with changed values, to see which of them matter."""

import re
from collections.abc import Collection, Iterable, Sequence, Set
from datetime import timedelta
from typing import Any, TypeAlias

from segcli.core import exact_json
from segcli.core.destination import Payload, Unmapped
from segcli.core.event import Event, parse
from segcli.core.event_time import is_time, parse_time
from segcli.core.outcome import Job

# segcli itself reads these; a mapping need not carry them.
ENVELOPE = frozenset({"type", "integrations"})
# Marks: numbers that no event contains. In a string, a mark is part of the text.
_FIRST_MARK = 7_302_914_800_000_000
_MARK = re.compile(rb"73029148\d{8}")

# How many characters of a sample value are shown.
_SAMPLE = 40
# An input may have objects with new keys in every line.
_KNOWN_KEPT = 20_000

# A place is a container and a key in it; a change is a place and its new value.
_Place: TypeAlias = tuple[Any, Any]
_Change: TypeAlias = tuple[Any, Any, Any]
# The route of each payload of the event, with the name of the mapping that made it; and what all
# their requests hold.
_Encoded: TypeAlias = tuple[tuple[tuple[str, str], ...], bytes]


class FieldProbe:
    """Finds the values of one event that do not affect its payload; does not change the event.

    In a path, `[]` stands for every element of an array.
    """

    def __init__(self, event: Event, job: Job, read: dict[str, Any] | None = None) -> None:
        """Prepare to probe an event; `read` is the part of it that the mapping reads, if known."""
        self._event = event
        self._job = job
        payloads = payloads_made(event, job)
        # A mapping that returns bytes reads the raw line, so a change must be made there. Any
        # other mapping may compute a digest of the raw line, so that must stay the same.
        bodies = (one.body for one in payloads if isinstance(one, Payload))
        self._passes_bytes_on = any(isinstance(body, bytes) for body in bodies)
        if self._passes_bytes_on or read is None:
            read = parse(event.raw).data
        # What the mapping does not read is not probed: that saves half of the time.
        self._data = read
        self._places = _places(read)
        self._before = self._payload() if self._passes_bytes_on else _encoded(payloads)

    @property
    def paths(self) -> Set[str]:
        """The paths of all values, each once."""
        return self._places.keys()

    def left_out(self, doubtful: Collection[str] = ()) -> set[str]:
        """Return the paths of the values that do not affect the payload.

        `doubtful` are paths that often affect it. They are probed apart from all others, which
        saves work: the others can mostly be ruled out together.
        """
        known = self.paths & set(doubtful)
        open_paths = self.paths - self._shown(known or self.paths)
        # Sorted: which paths are probed together must not depend on chance.
        others = sorted(open_paths - known)
        return {*self._without_effect(others), *self._without_effect(sorted(open_paths & known))}

    def _shown(self, paths: Iterable[str]) -> set[str]:
        """Return the paths whose values appear in the payload, found by marking all at once.

        Returns none if the marks lead to another mapping, which may carry other fields.
        """
        changes: list[_Change] = []
        marked: dict[bytes, str] = {}
        for path in paths:
            for holder, key in self._places[path]:
                number = _FIRST_MARK + len(changes)
                if (mark := _mark(holder[key], number)) is not None:
                    changes.append((holder, key, mark))
                    marked[b"%d" % number] = path
        found = self._payload(changes)
        if found is None or self._before is None or found[0] != self._before[0]:
            return set()
        return {marked[mark] for mark in _MARK.findall(found[1]) if mark in marked}

    def _without_effect(self, paths: Sequence[str]) -> Sequence[str]:
        """Return the paths that do not matter: test all at once, then halves that do matter."""
        if not paths or not self._matter(paths):
            return paths
        if len(paths) == 1:
            return ()
        middle = len(paths) // 2
        return [*self._without_effect(paths[:middle]), *self._without_effect(paths[middle:])]

    def _matter(self, paths: Iterable[str]) -> bool:
        """Return whether changing the values at all these paths at once changes the payload."""
        places = [place for path in paths for place in self._places[path]]
        return any(
            self._payload(
                [(holder, key, other(holder[key], n)) for n, (holder, key) in enumerate(places)]
            )
            != self._before
            for other in (first_change, second_change)
        )

    def _payload(self, changes: Sequence[_Change] = ()) -> _Encoded | None:
        """Return the payloads of the changed event; None if the mapping rejects it."""
        values = [holder[key] for holder, key, _ in changes]
        for holder, key, value in changes:
            holder[key] = value
        try:
            return self._mapped()
        except Exception:  # A plug-in may fail on a value that no real event has.
            return None
        finally:
            for (holder, key, _), value in zip(changes, values, strict=True):
                holder[key] = value

    def _mapped(self) -> _Encoded:
        raw = exact_json.dumps(self._data) if self._passes_bytes_on else self._event.raw
        return _encoded(payloads_made(Event(raw, self._data, self._event.actions), self._job))


# The paths of the values of an object; the keys of the objects in it, each with what paths there
# begin with; and the keys of its arrays, each with its path.
_KnownObject: TypeAlias = tuple[frozenset[str], list[tuple[str, str]], list[tuple[str, str]]]
_NO_LEAVES = (dict, list, type(None))


class KnownPaths:
    """Finds the paths of events' values; what objects with equal keys and types share is kept.

    left_aside: the objects whose values it leaves aside, by their names in the event.
    """

    def __init__(self, left_aside: Collection[str] = ()) -> None:
        self._left_aside = ENVELOPE.union(left_aside)
        self._known: dict[tuple[Any, ...], _KnownObject] = {}

    def of(self, data: dict[str, Any]) -> frozenset[str]:
        """Return the paths of an event's values: those that a `FieldProbe` of it probes."""
        return self._below([("", data)])

    def in_branch(self, data: dict[str, Any], branch: str, others: Collection[str]) -> Set[str]:
        """Return those of the paths that are in an object of the event.

        For the branch "" it returns those that are in none of the `others`.
        """
        if branch in self._left_aside:
            return frozenset()
        if branch:
            return self._below([(f"{branch}.", data[branch])])
        return self._below([("", {name: data[name] for name in data if name not in others})])

    def _below(self, objects: list[tuple[str, dict[str, Any]]]) -> frozenset[str]:
        """Return the paths in some objects, each with what they begin with."""
        found: list[frozenset[str]] = []
        for prefix, one in objects:
            key = (prefix, *one, *map(type, one.values()))
            paths, inner, arrays = self._known.get(key) or self._new(key, prefix, one)
            found.append(paths)
            objects += [(start, one[name]) for name, start in inner]
            found += [_paths_below(path, one[name]) for name, path in arrays]
        return frozenset().union(*found)

    def _new(self, key: tuple[Any, ...], prefix: str, one: dict[str, Any]) -> _KnownObject:
        if len(self._known) >= _KNOWN_KEPT:
            self._known.clear()
        names = [name for name in one if prefix or name.partition(".")[0] not in self._left_aside]
        values = {f"{prefix}{name}": one[name] for name in names}
        paths = [path for path, value in values.items() if type(value) not in _NO_LEAVES]
        inner = [(name, f"{prefix}{name}.") for name in names if type(one[name]) is dict]
        arrays = [(name, f"{prefix}{name}") for name in names if type(one[name]) is list]
        found = self._known[key] = frozenset(paths), inner, arrays
        return found


def _paths_below(path: str, container: Any) -> frozenset[str]:
    """Return the paths of the values in a container at a path."""
    found: list[str] = []
    containers = [(path, container)]
    for at, value in containers:
        if type(value) is dict:
            containers += [(f"{at}.{name}", inner) for name, inner in value.items()]
        elif type(value) is list:
            containers += [(f"{at}[]", inner) for inner in value]
        elif value is not None:
            found.append(at)
    return frozenset(found)


def samples_in(data: dict[str, Any], paths: Collection[str]) -> dict[str, str]:
    """Return the first value at each of these paths, as JSON; long values are cut."""
    places = _places(data)
    return {path: _sample(*places[path][0]) for path in paths}


def _sample(holder: Any, key: Any) -> str:
    value = holder[key]
    if isinstance(value, str):
        value = value[:_SAMPLE]
    text = exact_json.dumps(value).decode()
    return text if len(text) <= _SAMPLE else f"{text[:_SAMPLE]}…"


def payloads_made(event: Event, job: Job) -> Sequence[Payload | Unmapped]:
    """Return what an event becomes for each action; raises Rejected if there is one only."""
    payloads = job.destination.payloads
    if payloads is None:
        return [job.destination.payload(event, job.payload_settings)]
    return payloads(event, job.payload_settings)


def _encoded(payloads: Sequence[Payload | Unmapped]) -> _Encoded:
    ways = tuple((one.route, getattr(one, "mapped_by", "")) for one in payloads)
    return ways, b"\n".join(map(_sent, payloads))


def _sent(one: Payload | Unmapped) -> bytes:
    """Return all that a request takes; nothing for an action that cannot map the event."""
    if isinstance(one, Unmapped):
        return b""
    body = one.body if isinstance(one.body, bytes) else exact_json.dumps(one.body)
    return body + one.request_values.encode()


def _places(data: dict[str, Any]) -> dict[str, list[_Place]]:
    """Return, by path, the places of all values that are neither containers nor null."""
    found: dict[str, list[_Place]] = {}
    containers: list[tuple[str, Any]] = [("", data)]
    for path, holder in containers:
        for name, key, value in _inner(path, holder):
            if not path and name.partition(".")[0] in ENVELOPE:
                continue
            if type(value) is dict or type(value) is list:
                containers.append((name, value))
            elif value is not None:
                found.setdefault(name, []).append((holder, key))
    return found


def _inner(path: str, holder: Any) -> list[tuple[str, Any, Any]]:
    """Return the path, key and value of each direct child of a container."""
    if type(holder) is list:
        return [(f"{path}[]", index, value) for index, value in enumerate(holder)]
    prefix = f"{path}." if path else ""
    return [(prefix + key, key, value) for key, value in holder.items()]


def _mark(value: Any, mark: int) -> Any:
    """Return a mark of the value's type; None for a boolean, and for an empty or zero value."""
    if not value or isinstance(value, bool):
        return None
    return f"~{mark}~" if isinstance(value, str) else mark


# A mapping may compare values: those that were equal must differ in at least one of two changes.


def first_change(value: Any, number: int) -> Any:
    """Return a value of the same type for the value that is changed as number `number`."""
    if isinstance(value, bool):
        return not value
    if not isinstance(value, str):
        return 0
    # Most texts are no time. To see that by one character takes a tenth of the time of `is_time`.
    if value[4:5] == "-" and is_time(value):
        return _other_time(value, number)
    return f"{value}~{number}"


def _other_time(text: str, number: int) -> str:
    """Return another time, with which the mapping still does what it does with this one.

    With a text that is no time it would reject the event, or date it by another field.
    """
    shift = timedelta(days=1, seconds=number)
    try:
        return (parse_time(text) - shift).isoformat()
    except OverflowError:
        return (parse_time(text) + shift).isoformat()


def second_change(value: Any, number: int) -> Any:
    """Return a value unlike both: a mapping that rounds, cuts or picks a part sees one change."""
    if isinstance(value, bool):
        return not value
    return "" if isinstance(value, str) else 1_000_001 + number
