"""Replies with results for single events, in the form that a destination file describes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from segcli.core.exact_json import dumps
from segcli.core.item_replies import INDEX, Items
from segcli.core.placeholder import payload_value, text_of
from segcli.sandbox.vendors.vendor import ReceivedItem

_MULTI_STATUS = 207
_SUCCESS = 200
_LATER = 500
_REASON = "a simulated fault (--fault)"


def all_taken(
    items: Items | None, success: Mapping[str, Any]
) -> Callable[[Sequence[object]], bytes]:
    """Return a `reply` for a good request, with the result of each event if there are any.

    success: what the body of such a reply has.
    """
    if items is None or not items.names_all:
        body = dumps(success)
        return lambda _: body
    return lambda taken: _body(items, _entries(items, range(len(taken)), {}), success)


def some_failed(
    items: Items, success: Mapping[str, Any]
) -> Callable[[Sequence[ReceivedItem], Mapping[int, int]], tuple[int, bytes]]:
    """Return a `by_item`: it makes the reply to a batch of which some events failed.

    success: what the body of a reply has that means success.
    """

    def reply(received: Sequence[ReceivedItem], failed: Mapping[int, int]) -> tuple[int, bytes]:
        is_usual = not items.replies or _MULTI_STATUS in items.replies
        status = _MULTI_STATUS if is_usual else min(items.replies)
        if items.index or items.status:
            places = range(len(received)) if items.names_all else [*failed]
            return status, _body(items, _entries(items, places, failed), success)
        body = deepcopy(dict(success))
        for path, value in _named(items, received, failed):
            _put(body, path, value)
        return status, dumps(body)

    return reply


def lost_with(
    items: Items,
) -> Callable[[Sequence[ReceivedItem], Mapping[int, int]], Mapping[int, int]]:
    """Return a `lost`: the events that are not taken when some fail, with their statuses.

    An event that is named by a value fails with all others that have it. Some vendors take none of
    a request that has a bad event.
    """

    def lost(received: Sequence[ReceivedItem], failed: Mapping[int, int]) -> Mapping[int, int]:
        if not failed or (items.unnamed == "delivered" and not _is_by_value(items)):
            return failed
        if items.unnamed == "retry":
            return {place: failed.get(place, _LATER) for place in range(len(received))}
        path = next(iter(items.match.values()))
        values = [text_of(payload_value(item.payload, path)) for item in received]
        bad = {values[place] for place in failed} - {None}
        return {place: 422 for place, value in enumerate(values) if value in bad}

    return lost


def _is_by_value(items: Items) -> bool:
    """Return whether a failure can be named by a value of the payload only."""
    return not (items.index or items.status or items.indexes or items.retry_indexes)


def _named(
    items: Items, received: Sequence[ReceivedItem], failed: Mapping[int, int]
) -> Iterator[tuple[str, Any]]:
    """Yield paths of a body and what is there: indexes, or values of the payloads."""
    later = [place for place, status in failed.items() if status >= _LATER]
    bad = [place for place in failed if place not in later]
    if items.indexes or items.retry_indexes:
        if not items.retry_indexes:
            bad, later = [*failed], []
        elif not items.indexes:
            bad, later = [], [*failed]
        yield from ((path, {_REASON: bad}) for path in items.indexes[:1] if bad)
        yield from ((path, later) for path in items.retry_indexes[:1] if later)
        return
    path, of_payload = next(iter(items.match.items()))
    values = [text_of(payload_value(received[place].payload, of_payload)) for place in failed]
    yield path, [value for value in dict.fromkeys(values) if value is not None]


def _entries(
    items: Items, places: Sequence[int], failed: Mapping[int, int]
) -> list[dict[str, Any]]:
    return [_entry(items, place, failed.get(place, _SUCCESS)) for place in places]


def _entry(items: Items, place: int, status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if items.index:
        text = items.index_text
        _put(entry, items.index, text.replace(INDEX, str(place)) if text else place)
    if items.status:
        _put(entry, items.status, status)
    if items.retry_flag:
        _put(entry, items.retry_flag, status >= _LATER)
    # The value that contains the status is the reason already.
    is_inside = f"{items.status}.".startswith(f"{items.reason}.")
    if items.reason and status != _SUCCESS and not is_inside:
        _put(entry, items.reason, _REASON)
    return entry


def _body(items: Items, entries: list[dict[str, Any]], success: Mapping[str, Any]) -> bytes:
    body = deepcopy(dict(success))
    if items.list:
        _put(body, items.list, entries)
    return dumps(body if items.list else entries)


def _put(value: dict[str, Any], path: str, inner: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inner_value = value.get(name)
        value[name] = inner_value if isinstance(inner_value, dict) else {}
        value = value[name]
    value[last] = inner
