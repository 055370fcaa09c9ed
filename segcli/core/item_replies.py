"""Replies with results for single items: which events of a batch the vendor accepted.

    verdict=by_item(Items(list="errors", index="batch_index", reason="message"))

No event is lost and none is counted twice, with any body: a successful reply whose body does not
match the description stops the run.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from segcli.core.exact_json import dumps, loads
from segcli.core.placeholder import text_of
from segcli.core.reply import (
    Delivered,
    NamedByValue,
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

# Stands for the index in `Items.index_text`.
INDEX = "{index}"

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
    index_text: how a text at `index` has the index, as `/data/{index}`; it may go on after that.
    retry_flag: the path, in an entry, of a boolean: true to try again, false for refused.
    indexes: the paths, in the body, of lists of indexes of refused items. At a path may also be a
        map of reasons to such lists.
    retry_indexes: the same for items to try again.
    match: the paths, in the body, of lists of values; an item is refused if it has one of them at
        the path, in its payload, that is named here. A path goes through lists.
    unnamed: what became of items that such a reply does not name if it names any: `delivered`, or
        `retry` for a vendor that takes none of a request with a bad one.

    Raises ValueError without anything that names an item.
    """

    list: str = ""
    index: str = ""
    status: str = ""
    reason: str = ""
    delivered: frozenset[int | str] = frozenset()
    retry: frozenset[int | str] = frozenset()
    replies: frozenset[int] = frozenset()
    index_text: str = ""
    retry_flag: str = ""
    indexes: tuple[str, ...] = ()
    retry_indexes: tuple[str, ...] = ()
    match: Mapping[str, str] = field(default_factory=dict)
    unnamed: Literal["delivered", "retry"] = "delivered"

    def __post_init__(self) -> None:
        """Raise ValueError for a description without results."""
        if not (self.index or self.status or self.names_outside_lists):
            raise ValueError("without an index and a status, an entry has no result of an item")

    @property
    def names_outside_lists(self) -> bool:
        """Whether items are named elsewhere than in the entries of a list."""
        return bool(self.indexes or self.retry_indexes or self.match)

    @property
    def names_all(self) -> bool:
        """Whether a reply has a result for each item, not for failed ones only."""
        return bool(self.status) and not self.index


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
        if parts.refused or parts.retry or parts.by_value or parts.answered is not None:
            return parts
        return Delivered() if is_success else otherwise(reply)

    return verdict


class _NotAsDescribedError(Exception):
    """A body does not match its description."""


def _parts(reply: Reply, items: Items) -> Partial:
    body = _body(reply, items)
    refused: dict[int, str] = {}
    retry: dict[int, str] = {}
    entries = _entries(reply, body, items) if items.index or items.status else []
    for place, entry in _with_indexes(entries, items):
        match _judged(entry, items):
            case Refused(reason):
                refused.setdefault(place, reason)
            case Retry(reason):
                retry.setdefault(place, reason)
            case Delivered():
                pass
    for path in items.indexes:
        for place, reason in _places(_at(body, path), path):
            refused.setdefault(place, reason)
    for path in items.retry_indexes:
        retry = dict(_places(_at(body, path), path)) | retry
    again = frozenset(retry.keys() - refused.keys())
    after = retry_after(reply) if again else None
    by_value = tuple(_named_by_value(body, items))
    rest = items.unnamed if refused or again or by_value else "delivered"
    answered = len(entries) if items.names_all else None
    return Partial(refused, again, after, answered, by_value, rest, retry)


def _body(reply: Reply, items: Items) -> Any:
    """Return the body; None for an empty one of a vendor that lists failures only."""
    if reply.broken:
        raise _NotAsDescribedError(f"with {reply.broken}")
    if _may_be_absent(reply, items) and not reply.body.strip():
        return None
    try:
        return loads(reply.body)
    except ValueError:
        raise _NotAsDescribedError("its body is not JSON") from None


def _may_be_absent(reply: Reply, items: Items) -> bool:
    return not items.names_all and reply.status != _MULTI_STATUS


def _entries(reply: Reply, body: Any, items: Items) -> list[Any]:
    """Return the entries; none if a vendor that lists failures lists none."""
    found = _at(body, items.list)
    if found is None and (_may_be_absent(reply, items) or items.names_outside_lists):
        return []
    if not isinstance(found, list):
        where = f"the value at {items.list} in its body" if items.list else "its body"
        raise _NotAsDescribedError(f"{where} is not a list")
    return found


def _with_indexes(entries: list[Any], items: Items) -> Iterator[tuple[int, Any]]:
    if not items.index:
        yield from enumerate(entries)
        return
    pattern = _index_pattern(items.index_text) if items.index_text else None
    for entry in entries:
        found = _at(entry, items.index)
        if pattern:
            match = pattern.match(found) if isinstance(found, str) else None
            found = match[1] if match else None
        place = _number(found)
        if place is None:
            what = "no index" if pattern else "no whole number"
            raise _NotAsDescribedError(f"an entry of its list has {what} at {items.index}")
        yield place, entry


@lru_cache
def _index_pattern(text: str) -> re.Pattern[str]:
    """Return the pattern of a text with an index in it, which may go on after the index."""
    before, _, after = text.partition(INDEX)
    return re.compile(rf"{re.escape(before)}([0-9]{{1,9}})(?![0-9]){re.escape(after)}", re.ASCII)


def _places(found: Any, reason: str) -> Iterator[tuple[int, str]]:
    """Yield the indexes in a list, or in the lists of a map, each with its reason."""
    if isinstance(found, dict):
        for key, inner in found.items():
            yield from _places(inner, f"{reason}: {key}")
    elif found is not None:
        for place in found if isinstance(found, list) else [None]:
            number = _number(place)
            if number is None:
                raise _NotAsDescribedError(
                    f"the value at {reason} in its body is no list of indexes"
                )
            yield number, excerpt(reason)


def _named_by_value(body: Any, items: Items) -> Iterator[NamedByValue]:
    for path, of_payload in items.match.items():
        reason = path.rpartition(".")[2]
        for value in _values_along(body, path.split(".")):
            text = text_of(value)
            if text is None:
                raise _NotAsDescribedError(f"the value at {path} in its body is no list of ids")
            yield NamedByValue(of_payload, text, reason)


def _values_along(value: Any, names: Sequence[str]) -> Iterator[Any]:
    """Yield the values at a path, of each item where there is a list on the way; no null."""
    if isinstance(value, list):
        for one in value:
            yield from _values_along(one, names)
    elif names and isinstance(value, dict):
        yield from _values_along(value.get(names[0]), names[1:])
    elif not names and value is not None:
        yield value


def _judged(entry: Any, items: Items) -> Delivered | Refused | Retry:
    flag = _at(entry, items.retry_flag) if items.retry_flag else None
    status = _at(entry, items.status) if items.status else None
    if isinstance(flag, bool):
        word = str(status) if isinstance(status, int | str) else ""
        return (Retry if flag else Refused)(_reason(entry, word, items))
    if not isinstance(status, int | str) or isinstance(status, bool):
        if items.index:
            return Refused(_reason(entry, "", items))
        raise _NotAsDescribedError(f"an entry of its list has no status at {items.status}")
    number = _number(status)
    if not items.delivered.isdisjoint({status, number}):
        return Delivered()
    if not items.retry.isdisjoint({status, number}):
        return Retry(_reason(entry, str(status), items))
    verdict = by_status(Reply(number)) if number is not None and is_status(number) else None
    if isinstance(verdict, Delivered):
        return verdict
    judge = Retry if isinstance(verdict, Retry) else Refused
    return judge(_reason(entry, str(status), items))


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
