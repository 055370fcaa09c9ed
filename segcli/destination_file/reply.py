"""The table `reply`: what a vendor's replies mean."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from segcli.core.item_replies import Items, by_item
from segcli.core.reply import (
    Delivered,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    answer,
    by_status,
    retry_after,
)
from segcli.destination_file.problems import Mistakes, Path

_MEANINGS = ("delivered", "retry", "refuse", "split", "stop")
_YES = frozenset(range(200, 300))


def read_items(table: Mapping[str, Any], mistakes: Mistakes) -> Items | None:
    """Read where replies report single events; None if they do not, or if that has mistakes."""
    entry = table.get("items")
    if entry is None:
        return None
    if not ("index" in entry or "status" in entry):
        if not mistakes.are_below(("reply", "items")):
            mistakes.add(("reply", "items"), "must have index or status, or both")
        return None
    _check_paths(entry, mistakes)
    _check_words(entry, mistakes)
    _check_delivered(table, mistakes)
    return Items(
        list=entry.get("list", ""),
        index=entry.get("index", ""),
        status=entry.get("status", ""),
        reason=entry.get("reason", ""),
        delivered=frozenset(entry.get("delivered", ())),
        retry=frozenset(entry.get("retry", ())),
        replies=_replies(table),
    )


def _check_paths(entry: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Note paths of which one is inside another one's value, which is a number or a text."""
    for name, other in (("status", "index"), ("reason", "index"), ("reason", "status")):
        one, two = entry.get(name), entry.get(other)
        if one is None or two is None:
            continue
        is_within, is_around = one.startswith(f"{two}."), f"{two}.".startswith(f"{one}.")
        if is_within or (is_around and other == "index"):
            where = "inside" if is_within else "at or above"
            problem = f"must be beside reply.items.{other}, not {where} it"
            mistakes.add(("reply", "items", name), problem)


def _check_words(entry: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Note statuses of entries that have two meanings; a number may be written as a text."""
    delivered = set(map(str, entry.get("delivered", ())))
    for at, word in enumerate(entry.get("retry", ())):
        if str(word) in delivered:
            path = ("reply", "items", "retry", at)
            mistakes.add(path, f"{word} is already in reply.items.delivered")


def _check_delivered(table: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Note statuses that would count failed events as delivered."""
    if "replies" in table["items"]:
        return
    for at, number in enumerate(table.get("delivered", ())):
        if int(number) in _YES:
            mistakes.add(
                ("reply", "delivered", at),
                "would hide failed events: list in reply.items.replies the statuses to read",
            )


def _replies(table: Mapping[str, Any]) -> frozenset[int]:
    """Return the statuses of replies that report items: by default 2xx without other meanings."""
    named = table["items"].get("replies")
    meant = {int(number) for meaning in _MEANINGS for number in table.get(meaning, ())}
    if named is not None or meant.isdisjoint(_YES):
        return frozenset(map(int, named or ()))
    return _YES - meant


def verdict_of(
    table: Mapping[str, Any], items: Items | None, key: str, mistakes: Mistakes
) -> Callable[[Reply], Verdict]:
    """Return the function that judges replies.

    `key` is the setting that a message names if the vendor refuses the key.
    """
    meanings: dict[int, str] = {}
    for meaning in _MEANINGS:
        for at, number in enumerate(table.get(meaning, ())):
            status, path = int(number), ("reply", meaning, at)
            _check_once(status, path, meanings, items, mistakes)
            meanings.setdefault(status, meaning)

    def by_file(reply: Reply) -> Verdict:
        meaning = meanings.get(reply.status)
        return _meant(meaning, reply) if meaning else _with_key(by_status(reply), key)

    return by_item(items, by_file) if items else by_file


def _check_once(
    status: int, path: Path, meanings: Mapping[int, str], items: Items | None, mistakes: Mistakes
) -> None:
    if status in meanings:
        mistakes.add(path, f"{status} is already in reply.{meanings[status]}")
    elif items and status in items.replies:
        mistakes.add(path, f"{status} is already in reply.items.replies")


def _meant(meaning: str, reply: Reply) -> Verdict:
    if meaning == "delivered":
        return Delivered()
    if meaning == "retry":
        return Retry(f"HTTP {reply.status}", retry_after(reply))
    if meaning == "stop":
        return Stop(answer(reply))
    return Refused(answer(reply), splits=meaning == "split")


def _with_key(verdict: Verdict, key: str) -> Verdict:
    if isinstance(verdict, Stop) and verdict.setting == "api_key":
        return replace(verdict, setting=key)
    return verdict
