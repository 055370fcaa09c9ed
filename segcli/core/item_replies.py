"""Replies with results for single items: which events of a batch the vendor accepted.

    verdict=by_item(Items(list="errors", index="batch_index", reason="message"))

No event is lost and none is counted twice, with any body: a successful reply whose body does not
match the description stops the run.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.core.exact_json import dumps, loads
from segcli.core.reply import (
    Delivered,
    Partial,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    by_status,
    excerpt,
    is_status,
    retry_after,
)

_MULTI_STATUS = 207


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """Where the body of a reply has results for single items. Paths are dotted.

    list: the path of the list of entries; empty if the body itself is the list.
    index: the path, in an entry, of its item's index in the batch, from 0. With it, an item
        without entry was accepted, and an entry is a failure unless its `status` says otherwise.
        Without it, there is one entry for each item, in order, and its `status` decides.
    status: the path, in an entry, of its status: a number as in HTTP, or a text.
    reason: the path, in an entry, of the reason of a failure.
    delivered: further statuses that mean accepted.
    retry: further statuses that mean try again. Any other text means refused.
    replies: the HTTP statuses whose bodies have such results; none means all of 2xx.

    Raises ValueError without `index` and `status`.
    """

    list: str = ""
    index: str = ""
    status: str = ""
    reason: str = ""
    delivered: frozenset[int | str] = frozenset()
    retry: frozenset[int | str] = frozenset()
    replies: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Raise ValueError for a description without results."""
        if not (self.index or self.status):
            raise ValueError("without an index and a status, an entry has no result of an item")


def by_item(
    items: Items, otherwise: Callable[[Reply], Verdict] = by_status
) -> Callable[[Reply], Verdict]:
    """Return the verdict function of a destination whose replies have results for single items.

    `otherwise` judges all other replies, and failures whose body does not match the description.
    A success whose body does not match is Stop.
    """

    def verdict(reply: Reply) -> Verdict:
        is_success = 200 <= reply.status < 300
        if not (reply.status in items.replies if items.replies else is_success):
            return otherwise(reply)
        try:
            parts = _parts(reply, items)
        except _NotAsDescribedError as problem:
            return Stop(f"HTTP {reply.status}, but {problem}") if is_success else otherwise(reply)
        if parts.refused or parts.retry or parts.answered is not None:
            return parts
        return Delivered() if is_success else otherwise(reply)

    return verdict


class _NotAsDescribedError(Exception):
    """A body does not match its description."""


def _parts(reply: Reply, items: Items) -> Partial:
    entries = _entries(reply, items)
    refused: dict[int, str] = {}
    retry: set[int] = set()
    for place, entry in _with_indexes(entries, items):
        match _judged(entry, items):
            case Refused(reason):
                refused.setdefault(place, reason)
            case Retry():
                retry.add(place)
            case Delivered():
                pass
    again = frozenset(retry - refused.keys())
    answered = None if items.index else len(entries)
    return Partial(refused, again, retry_after(reply) if again else None, answered)


def _entries(reply: Reply, items: Items) -> list[Any]:
    """Return the entries; none if a vendor that lists failures lists none."""
    if reply.broken:
        raise _NotAsDescribedError(f"with {reply.broken}")
    may_be_absent = bool(items.index) and reply.status != _MULTI_STATUS
    if may_be_absent and not reply.body.strip():
        return []
    try:
        body = loads(reply.body)
    except ValueError:
        raise _NotAsDescribedError("its body is not JSON") from None
    found = _at(body, items.list)
    if found is None and may_be_absent:
        return []
    if not isinstance(found, list):
        where = f"the value at {items.list} in its body" if items.list else "its body"
        raise _NotAsDescribedError(f"{where} is not a list")
    return found


def _with_indexes(entries: list[Any], items: Items) -> Iterator[tuple[int, Any]]:
    if not items.index:
        yield from enumerate(entries)
        return
    for entry in entries:
        place = _number(_at(entry, items.index))
        if place is None:
            raise _NotAsDescribedError(f"an entry of its list has no whole number at {items.index}")
        yield place, entry


def _judged(entry: Any, items: Items) -> Delivered | Refused | Retry:
    status = _at(entry, items.status) if items.status else None
    if not isinstance(status, int | str) or isinstance(status, bool):
        if items.index:
            return Refused(_reason(entry, "", items))
        raise _NotAsDescribedError(f"an entry of its list has no status at {items.status}")
    number = _number(status)
    if not items.delivered.isdisjoint({status, number}):
        return Delivered()
    if not items.retry.isdisjoint({status, number}):
        return Retry(str(status))
    verdict = by_status(Reply(number)) if number is not None and is_status(number) else None
    if isinstance(verdict, Delivered | Retry):
        return verdict
    return Refused(_reason(entry, str(status), items))


def _reason(entry: Any, status: str, items: Items) -> str:
    """Return the vendor's reason, else the whole entry without the index: reasons are counted."""
    reason = _at(entry, items.reason) if items.reason else None
    if reason is None:
        is_object = isinstance(entry, dict)
        reason = {key: entry[key] for key in entry if key != items.index} if is_object else entry
    text = reason if isinstance(reason, str) else dumps(reason).decode()
    return excerpt(f"{status}: {text}" if status else text)


def _at(value: Any, path: str) -> Any:
    """Return the value at a dotted path; None if absent."""
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: object) -> int | None:
    """Return a whole number, also from a text of digits; None if it is not one."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
    return int(str(value)) if is_digits else None
