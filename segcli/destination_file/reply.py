"""The table `reply`: what a vendor's replies mean."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import Any

from segcli.core.exact_json import loads
from segcli.core.item_replies import INDEX, Items, by_item
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
from segcli.destination_file.problems import KeyPath, Mistakes, indented, listed
from segcli.fql import (
    Compare,
    Exists,
    FqlError,
    Holds,
    Is,
    QueryGroup,
    fields_below,
    matcher,
    parse_query,
)
from segcli.fql.ast import QueryNode

BodyTest = Callable[[Mapping[str, Any]], bool]

# The root of the fields of a reply in a query.
_BODY = "body"
_MEANINGS = ("delivered", "retry", "refuse", "split", "stop")
# A reply that never has a body.
_NO_CONTENT = 204
_YES = frozenset(range(200, 300))
# Each of these names single events.
_NAMING = ("index", "status", "indexes", "retry_indexes", "match")


def read_items(table: Mapping[str, Any], mistakes: Mistakes) -> Items | None:
    """Read where replies report single events; None if they do not, or if that has mistakes."""
    entry = table.get("items")
    if entry is None:
        return None
    if not any(entry.get(key) for key in _NAMING):
        if not mistakes.are_below(("reply", "items")):
            mistakes.add(("reply", "items"), f"must have {listed(_NAMING)}")
        return None
    _check_paths(entry, mistakes)
    _check_words(entry, mistakes)
    _check_naming(entry, mistakes)
    _check_delivered(table, mistakes)
    return Items(
        list=entry.get("list", ""),
        index=entry.get("index", ""),
        status=entry.get("status", ""),
        reason=entry.get("reason", ""),
        delivered=frozenset(entry.get("delivered", ())),
        retry=frozenset(entry.get("retry", ())),
        replies=_replies(table),
        index_text=entry.get("index_text", ""),
        retry_flag=entry.get("retry_flag", ""),
        indexes=tuple(entry.get("indexes", ())),
        retry_indexes=tuple(entry.get("retry_indexes", ())),
        match=entry.get("match", {}),
        unnamed=entry.get("unnamed", "delivered"),
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


def _check_naming(entry: Mapping[str, Any], mistakes: Mistakes) -> None:
    """Note keys that say how items are named, but do not go together."""
    path: KeyPath = ("reply", "items")
    text = entry.get("index_text")
    if text is not None and text.count(INDEX) != 1:
        mistakes.add((*path, "index_text"), f"must contain {INDEX} once, such as /data/{INDEX}")
    if text is not None and "index" not in entry:
        mistakes.add((*path, "index"), "is missing: index_text requires it")
    has_entries = "index" in entry or "status" in entry
    for key in ("list", "reason", "retry_flag", "delivered", "retry"):
        if key in entry and not has_entries:
            mistakes.add((*path, key), "is for entries: needs index or status")
    if "unnamed" in entry and entry.keys().isdisjoint([key for key in _NAMING if key != "status"]):
        mistakes.add(
            (*path, "unnamed"), "has no meaning: a reply with status only names all events"
        )


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

    judge = by_item(items, by_file) if items else by_file
    success = _condition(table, "success", mistakes)
    retry_if = _condition(table, "retry_if", mistakes)
    if success or retry_if:
        judge = by_body(judge, success, retry_if)
    wrong_key = _condition(table, "wrong_key_if", mistakes)
    return with_wrong_key(judge, wrong_key, key) if wrong_key else judge


def by_body(
    judge: Callable[[Reply], Verdict], success: BodyTest | None, retry_if: BodyTest | None
) -> Callable[[Reply], Verdict]:
    """Return the function that judges replies of which the body says whether they are a success.

    success, retry_if: conditions on the body of a reply with 2xx that otherwise means that all
        events are delivered.
    """

    def verdict(reply: Reply) -> Verdict:
        found = judge(reply)
        has_body = 200 <= reply.status < 300 and reply.status != _NO_CONTENT
        if not isinstance(found, Delivered) or not has_body:
            return found
        body = _body_of(reply)
        if reply.broken or not body:
            problem = reply.broken or "a body that is not JSON"
            return Stop(f"HTTP {reply.status}, but with {problem}")
        if retry_if and retry_if(body):
            return Retry(answer(reply), retry_after(reply))
        is_refused = success and not success(body)
        return Refused(answer(reply), splits=True) if is_refused else found

    return verdict


def with_wrong_key(
    judge: Callable[[Reply], Verdict], wrong_key: BodyTest, key: str
) -> Callable[[Reply], Verdict]:
    """Return the function that judges replies of which the body says that the key is wrong.

    wrong_key: a condition on the body of a reply with any status.
    key: the setting that a message names then.
    """

    def verdict(reply: Reply) -> Verdict:
        is_delivered = isinstance(found := judge(reply), Delivered)
        if is_delivered or not wrong_key(_body_of(reply)):
            return found
        return Stop(answer(reply), setting=key)

    return verdict


def success_body(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body that meets the condition of success, as far as that is possible.

    The sandbox answers so.
    """
    body: dict[str, Any] = {}
    with suppress(FqlError, KeyError):
        _meet(parse_query(table["success"], strict=True, fields=fields_below(_BODY)), body)
    return body


def _meet(node: QueryNode, body: dict[str, Any]) -> None:
    """Put into a body what a condition asks for."""
    match node:
        case QueryGroup("and", children):
            for child in children:
                _meet(child, body)
        case QueryGroup(_, children):
            _meet(children[0], body)
        case Compare(field, "=" | ">=" | "<=", value) | Is(field, value):
            _put(body, field.name, int(value) if _is_whole(value) else value)
        case Holds(field=field, text=text, negated=False):
            _put(body, field.name, text)
        case Exists(field, negated=False):
            _put(body, field.name, "ok")
        case Compare() | Exists() | Holds():
            pass  # met by a body without the field, or not known


def _body_of(reply: Reply) -> Mapping[str, Any]:
    """Return the body as conditions read it; without it if it is not JSON."""
    try:
        return {_BODY: loads(reply.body)}
    except ValueError:
        return {}


def _is_whole(value: object) -> bool:
    return isinstance(value, Decimal) and value == value.to_integral_value()


def _put(body: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        inner = body.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        body = inner
    body[last] = value


def _condition(table: Mapping[str, Any], key: str, mistakes: Mistakes) -> BodyTest | None:
    if key not in table:
        return None
    try:
        return matcher(table[key], strict=True, fields=fields_below(_BODY))
    except FqlError as error:
        mistakes.add(("reply", key), indented(str(error)))
        return None


def _check_once(
    status: int, path: KeyPath, meanings: Mapping[int, str], items: Items | None, mistakes: Mistakes
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
