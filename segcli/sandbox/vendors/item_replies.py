"""Replies that tell of single events, in the form that a description gives them."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from segcli.core.item_replies import Items

_MULTI_STATUS = 207


def all_taken(items: Items | None) -> Callable[[Sequence[object]], bytes]:
    """Return the body of a good reply: where each event has a result, with all of them."""
    if items is None or items.index:
        return lambda _: b"{}"
    return lambda taken: _body(items, [_entry(items, place, 200) for place in range(len(taken))])


def some_failed(items: Items) -> Callable[[int, Mapping[int, int]], tuple[int, bytes]]:
    """Return status and body of a reply to so many events, some of which failed with a status."""

    def reply(count: int, failed: Mapping[int, int]) -> tuple[int, bytes]:
        places: Sequence[int] = [*failed] if items.index else range(count)
        entries = [_entry(items, place, failed.get(place, 200)) for place in places]
        is_usual = not items.replies or _MULTI_STATUS in items.replies
        return _MULTI_STATUS if is_usual else min(items.replies), _body(items, entries)

    return reply


def _entry(items: Items, place: int, status: int) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    if items.index:
        _put(entry, items.index, place)
    if items.status:
        _put(entry, items.status, status)
    # What holds the status is a reason already.
    if items.reason and status != 200 and not f"{items.status}.".startswith(f"{items.reason}."):
        _put(entry, items.reason, "a fault of the sandbox's script")
    return entry


def _body(items: Items, entries: list[dict[str, Any]]) -> bytes:
    body: dict[str, Any] = {}
    if items.list:
        _put(body, items.list, entries)
    return json.dumps(body if items.list else entries).encode()


def _put(value: dict[str, Any], path: str, inner: Any) -> None:
    *way, last = path.split(".")
    for name in way:
        value = value.setdefault(name, {})
    value[last] = inner
