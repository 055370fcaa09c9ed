"""Which values of an event become which values of its payloads, found by changing each of them.

A destination declares nothing for that, so plug-ins and files are covered too. Paths are JSON
pointers (RFC 6901).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from segcli.core import exact_json
from segcli.core.decision import Mapped, payloads_of
from segcli.core.destination import Payload
from segcli.core.event import Event, Rejected, parse
from segcli.core.outcome import Job, mapping_of
from segcli.review.many_sources import BudgetSpent, PayloadPlace, many_sources
from segcli.review.probe import ENVELOPE, first_change, payloads_made, second_change

# How many values may be looked at in payloads, over all changes: about a second. So each value of
# an event with some 250 is changed alone. In larger events many are changed at once, and four times
# as many may be looked at: enough for 1,000 values of which a dozen decide, or for 3,000 of which a
# few do.
_MOST_LOOKED_AT = 150_000
_MOST_LOOKED_AT_TOGETHER = 4 * _MOST_LOOKED_AT
# With fewer trials than that, hardly anything would be found.
_FEWEST_TRIALS = 40

# Stands for a path, for values that go into the address or the headers of a request.
REQUEST = "(request)"


@dataclass(frozen=True, slots=True)
class Sources:
    """What becomes of the values of one event.

    carried: by the path in the event, the places in payloads that change with it.
    decides: the paths of values that decide whether and to where the event is mapped: with another
        value it has other payloads, or none.
    not_carried: the paths of values that change nothing.
    untried: how many values were not tried, because there are too many.
    """

    carried: Mapping[str, frozenset[PayloadPlace]]
    decides: frozenset[str]
    not_carried: frozenset[str]
    untried: int = 0


def sources_of(event: Event, job: Job) -> Sources:
    """Return what becomes of an event's values. Its own mapping must succeed; never raises."""
    data = parse(event.raw).data
    probe = _ValueProbe(event, data, job)
    places = list(_values_in(data))
    if 2 * len(places) ** 2 > _MOST_LOOKED_AT:
        return _sources_of_many(probe, places)
    found = {path: probe.effect_of([(holder, key)]) for path, holder, key in places}
    return Sources(
        carried={path: changed for path, (changed, _) in found.items() if changed},
        decides=frozenset(path for path, (_, decides) in found.items() if decides),
        not_carried=frozenset(
            path for path, (changed, decides) in found.items() if not (changed or decides)
        ),
    )


def _sources_of_many(probe: "_ValueProbe", places: Sequence[tuple[str, Any, Any]]) -> Sources:
    left = _MOST_LOOKED_AT_TOGETHER // (2 * len(places))
    if left < _FEWEST_TRIALS:
        return Sources({}, frozenset(), frozenset(), untried=len(places))

    def effect(numbers: Sequence[int]) -> tuple[frozenset[PayloadPlace], bool]:
        nonlocal left
        left -= 1
        if left < 0:
            raise BudgetSpent
        return probe.effect_of([places[number][1:] for number in numbers])

    found = many_sources(effect, len(places))
    paths = [path for path, _, _ in places]
    tried = found.carried.keys() | found.decides | found.not_carried
    return Sources(
        carried={paths[at]: frozenset(changed) for at, changed in found.carried.items()},
        decides=frozenset(paths[at] for at in found.decides),
        not_carried=frozenset(paths[at] for at in found.not_carried),
        untried=len(places) - len(tried),
    )


def pointer(parent: str, key: str | int) -> str:
    """Return the JSON pointer of a child."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def children(value: Any) -> Sequence[tuple[Any, Any]]:
    """Return what a JSON object or array holds, each with its key or index; else nothing."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else []


class _ValueProbe:
    """Maps an event again with values changed."""

    def __init__(self, event: Event, data: dict[str, Any], job: Job) -> None:
        self._event, self._data = event, data
        self._map = mapping_of(job)
        # A mapping that returns bytes passes the line on; any other may compute a digest of it.
        self._passes_bytes_on = _passes_bytes_on(event, job)
        self._before = self._leaves()

    def effect_of(self, places: Sequence[tuple[Any, Any]]) -> tuple[frozenset[PayloadPlace], bool]:
        """Return what changes with the values of these holders and keys, all at once.

        That is the places that change, and whether the payloads become others.
        """
        changed: set[PayloadPlace] = set()
        values, decides = [holder[key] for holder, key in places], False
        for change in (first_change, second_change):
            for number, ((holder, key), value) in enumerate(zip(places, values, strict=True)):
                holder[key] = change(value, number)
            try:
                now = self._leaves()
            finally:
                for (holder, key), value in zip(places, values, strict=True):
                    holder[key] = value
            if now is None or self._before is None or now.keys() != self._before.keys():
                decides = True
                continue
            for route, leaves in now.items():
                changed |= {
                    (route[0], path)
                    for path in leaves.keys() | self._before[route].keys()
                    if leaves.get(path) != self._before[route].get(path)
                }
        return frozenset(changed), decides

    def _leaves(self) -> dict[tuple[int, str, str], dict[str, bytes]] | None:
        """Return the values of each payload by path; None if there is no payload."""
        raw = exact_json.dumps(self._data) if self._passes_bytes_on else self._event.raw
        try:
            decision = self._map(replace(self._event, raw=raw, data=self._data))
        except Exception:  # a plug-in may fail on a value that no real event has
            return None
        return {
            (number, one.action, one.route): dict(_values_sent(one))
            for number, one in enumerate(payloads_of(decision))
        } or None


def _passes_bytes_on(event: Event, job: Job) -> bool:
    try:
        made = payloads_made(event, job)
    except Rejected:
        return False
    return any(isinstance(one, Payload) and isinstance(one.body, bytes) for one in made)


def _values_sent(one: Mapped) -> Iterator[tuple[str, bytes]]:
    """Yield the values of a payload by path, and all that its request has beside the body."""
    yield from _leaves_of(exact_json.loads(one.body, levels=2 * exact_json.MAX_DEPTH))
    if one.request_values:
        yield REQUEST, one.request_values.encode()


def _leaves_of(value: Any, path: str = "") -> Iterator[tuple[str, bytes]]:
    inner_values = children(value)
    if not inner_values:
        yield path, exact_json.dumps(value)
    for key, inner in inner_values:
        yield from _leaves_of(inner, pointer(path, key))


def _values_in(data: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Yield path, holder and key of each value that is neither a container nor null."""
    containers: list[tuple[str, Any]] = [("", data)]
    for path, holder in containers:
        for key, value in children(holder):
            if not path and key in ENVELOPE:
                continue
            at = pointer(path, key)
            if isinstance(value, dict | list):
                containers.append((at, value))
            elif value is not None:
                yield at, holder, key
