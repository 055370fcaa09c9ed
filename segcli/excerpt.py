"""An excerpt of an event: the quick way to read what is plainly good, and not more than need be.

Reading an event and checking it took two thirds of the time that mapping it takes in all. Here
the parser itself checks the types and passes over what no mapping looks at: half of that. Whatever
is not plainly good is left to `event.parse`, which also says what is wrong with it.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import InvalidOperation
from typing import Any, Generic, Literal, TypedDict, TypeVar

import msgspec

from segcli import exact_json
from segcli.event import Event

Read = Callable[[bytes], Event | None]

C = TypeVar("C")
T = TypeVar("T")
P = TypeVar("P")

_JSON_SPACE = b" \t\r\n"
_WHOLE = dict[str, Any]
# Of an object that nobody looks at, its keys: they tell whether it is empty.
_KEYS = dict[str, msgspec.Raw]
_SPELLING = {
    "name": "event",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "original_timestamp": "originalTimestamp",
    "received_at": "receivedAt",
    "sent_at": "sentAt",
    "raw": "",
}


class _Excerpt(msgspec.Struct, Generic[C, T, P], rename=_SPELLING):
    """What mappings may ask an `Event` for, but for `data`; fields mean the same."""

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    name: str | None = None
    user_id: str | int | None = None
    anonymous_id: str | int | None = None
    timestamp: str | None = None
    original_timestamp: str | None = None
    received_at: str | None = None
    sent_at: str | None = None
    integrations: dict[str, Any] | None = None
    context: C | None = None
    traits: T | None = None
    properties: P | None = None
    raw: bytes = b""

    @property
    def user(self) -> str:
        return str(self.user_id or self.anonymous_id)

    @property
    def time(self) -> str | None:
        return self.timestamp or self.original_timestamp or self.received_at or self.sent_at


def excerpts(paths: Iterable[str]) -> Read:
    """Return how to read events for a mapping that looks at these dotted paths only.

    They lead into `context`, `traits` and `properties`; all else that `_Excerpt` has is read in
    any case. It returns None for what it does not vouch for. Only a number with an exponent
    beyond all bounds is not noticed in what it passes over.
    """
    decode = msgspec.json.Decoder(_type_of(list(paths)), float_hook=exact_json.number).decode

    def read(line: bytes) -> Event | None:
        raw = line.strip(_JSON_SPACE)
        try:
            # What is passed over is not decoded.
            if not exact_json.is_shallow(raw) or not (raw.isascii() or raw.decode()):
                return None
            excerpt = decode(raw)
            _check_times(excerpt)
        except (msgspec.MsgspecError, InvalidOperation, ValueError):
            return None
        if not _is_named(excerpt):
            return None
        excerpt.raw = raw
        return excerpt  # type: ignore[no-any-return]  # it is what the mapping needs of an Event

    return read


def _check_times(excerpt: _Excerpt[Any, Any, Any]) -> None:
    """Raise ValueError where a time is none."""
    # A loop over their names takes three times as long.
    if excerpt.timestamp is not None:
        datetime.fromisoformat(excerpt.timestamp)
    if excerpt.original_timestamp is not None:
        datetime.fromisoformat(excerpt.original_timestamp)
    if excerpt.received_at is not None:
        datetime.fromisoformat(excerpt.received_at)
    if excerpt.sent_at is not None:
        datetime.fromisoformat(excerpt.sent_at)


def _is_named(excerpt: _Excerpt[Any, Any, Any]) -> bool:
    """Tell whether user and track have a name; ids become text, or None where they are empty."""
    user, anonymous = excerpt.user_id, excerpt.anonymous_id
    if type(user) is not str or not user:
        excerpt.user_id = user = str(user) if type(user) is int else None
    if type(anonymous) is not str or not anonymous:
        excerpt.anonymous_id = anonymous = str(anonymous) if type(anonymous) is int else None
    is_named = excerpt.name or excerpt.type != "track"
    return bool(is_named and (user or anonymous))


def _type_of(paths: list[str]) -> Any:
    context, traits, properties = (
        _type_below(name, paths) for name in ("context", "traits", "properties")
    )
    return _Excerpt[context, traits, properties]  # type: ignore[valid-type]  # known at run time


def _type_below(name: str, paths: list[str]) -> Any:
    """Return the type of an object into which these paths lead, if any of them does."""
    if name in paths:
        return _WHOLE
    inner = [path.removeprefix(f"{name}.") for path in paths if path.startswith(f"{name}.")]
    if not inner:
        return _KEYS
    return TypedDict(name, dict.fromkeys(inner, Any), total=False)  # type: ignore[operator]  # known at run time
