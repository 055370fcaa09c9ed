"""Replies that tell of single items: which events of a batch a vendor took, and which it did not.

    verdict=by_item(Items(list="errors", index="batch_index", reason="message"))

An event is never lost and never counted twice, whatever a body holds: what it does not say as it
was described stops the run, where the status alone would say that all is well.
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
    """Where the body of a reply tells of single items; paths are dotted.

    `list` is the path of the entries; empty: the body itself is the list. With `index`, the path
    in an entry of its item's place from 0 on, what has no entry was taken, and an entry is a
    failure unless its `status` says otherwise. Without it the entries stand in the order of the
    items, one for each, and their `status` decides.

    A status in `delivered` or `retry` means that; any other number means what it means in HTTP,
    any other text a refusal. `replies` are the HTTP statuses whose bodies are read so; none: all
    of 2xx. Raises ValueError without `index` and `status`.
    """

    list: str = ""
    index: str = ""
    status: str = ""
    reason: str = ""
    delivered: frozenset[int | str] = frozenset()
    retry: frozenset[int | str] = frozenset()
    replies: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        """Refuse a description by which every item would be refused."""
        if not (self.index or self.status):
            raise ValueError("without an index and a status no entry tells what became of an item")


def by_item(
    items: Items, otherwise: Callable[[Reply], Verdict] = by_status
) -> Callable[[Reply], Verdict]:
    """Return the verdict of a destination whose replies tell of single items.

    `otherwise` judges all other replies, and those that say no in other words. A reply that says
    yes, but not what was described, is Stop.
    """

    def verdict(reply: Reply) -> Verdict:
        is_yes = 200 <= reply.status < 300
        if not (reply.status in items.replies if items.replies else is_yes):
            return otherwise(reply)
        try:
            parts = _parts(reply, items)
        except _NotAsDescribedError as problem:
            return Stop(f"HTTP {reply.status}, but {problem}") if is_yes else otherwise(reply)
        if parts.refused or parts.retry or parts.answered is not None:
            return parts
        return Delivered() if is_yes else otherwise(reply)

    return verdict


class _NotAsDescribedError(Exception):
    """A body does not say what it was described to say."""


def _parts(reply: Reply, items: Items) -> Partial:
    entries = _entries(reply, items)
    refused: dict[int, str] = {}
    retry: set[int] = set()
    for place, entry in _placed(entries, items):
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
    """Return the entries; none where a vendor that lists failures has nothing to list."""
    if reply.broken:
        raise _NotAsDescribedError(f"with {reply.broken}")
    may_be_silent = bool(items.index) and reply.status != _MULTI_STATUS
    if may_be_silent and not reply.body.strip():
        return []
    try:
        body = loads(reply.body)
    except ValueError:
        raise _NotAsDescribedError("its body is not JSON") from None
    found = _at(body, items.list)
    if found is None and may_be_silent:
        return []
    if not isinstance(found, list):
        where = f"what stands at {items.list} in its body" if items.list else "its body"
        raise _NotAsDescribedError(f"{where} is not a list")
    return found


def _placed(entries: list[Any], items: Items) -> Iterator[tuple[int, Any]]:
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
    """Return the vendor's words; without any the entry, but for the place: reasons are counted."""
    said = _at(entry, items.reason) if items.reason else None
    if said is None:
        is_table = isinstance(entry, dict)
        said = {key: entry[key] for key in entry if key != items.index} if is_table else entry
    text = said if isinstance(said, str) else dumps(said).decode()
    return excerpt(f"{status}: {text}" if status else text)


def _at(value: Any, path: str) -> Any:
    """Return what stands at a dotted path; None where nothing does."""
    for name in path.split(".") if path else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _number(value: object) -> int | None:
    """Return a whole number, also where it is written as a text."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    is_digits = isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10
    return int(str(value)) if is_digits else None
