"""An excerpt of an event: the quick way to read what is plainly good, and not more than need be.

Reading an event and checking it took two thirds of the time that mapping it takes in all. Here
the parser itself checks the types and passes over what no mapping looks at: half of that. Whatever
is not plainly good is left to `event.parse`, which also says what is wrong with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import InvalidOperation
from itertools import islice
from typing import Annotated, Any, Generic, Literal, TypedDict, TypeVar

import msgspec

from segcli.core import exact_json
from segcli.core.event import Event, Rejected, parse
from segcli.core.event_time import parse_time
from segcli.core.exact_json import is_shallow

PartialParser = Callable[[Sequence[bytes]], list[Event | None]]

C = TypeVar("C")
T = TypeVar("T")
P = TypeVar("P")

_JSON_SPACE = b" \t\r\n"
_ENDS = (b"}\n", b"}\r\n", b"}")
_Name = Annotated[str, msgspec.Meta(min_length=1)]
_WHOLE = dict[str, Any]
# Of an object that nobody looks at, its keys: they tell whether it is empty.
_KEYS = dict[str, msgspec.Raw]
_SPELLING = {
    "name": "event",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "time": "timestamp",
    "line": "",
    "moment": " ",
}

# What is read of every event.
_KEPT = frozenset({"type", "integrations", *_SPELLING.values()})


class _Excerpt(msgspec.Struct, Generic[C, T, P], rename=_SPELLING, gc=False):
    """What mappings may ask an `Event` for, but for `data`; the names mean the same.

    moment: What `time` means. The further times are read once somebody asks for them.
    """

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    time: str
    name: _Name | None = None
    user_id: _Name | int | None = None
    anonymous_id: _Name | int | None = None
    integrations: dict[str, Any] | None = None
    context: C | None = None
    traits: T | None = None
    properties: P | None = None
    line: bytes = b""
    moment: datetime | None = None

    @property
    def raw(self) -> bytes:
        return self.line.strip(_JSON_SPACE)

    @property
    def user(self) -> str:
        return self.user_id or self.anonymous_id  # type: ignore[return-value]  # texts by now

    def times(self) -> Iterator[tuple[str, datetime]]:
        yield self.time, self.moment  # type: ignore[misc]  # known by now
        try:
            yield from islice(parse(self.line).times(), 1, None)
        except Rejected:
            # A number beyond all bounds where no mapping looks.
            return


def partial_parser(paths: Iterable[str]) -> PartialParser:
    """Return how to read events for a mapping that looks at these dotted paths only.

    They lead into `context`, `traits` and `properties`; all else that `_Excerpt` has is read in
    any case. It takes a few lines and returns None for each that it does not vouch for. Only a
    number with an exponent beyond all bounds is not noticed in what it passes over.
    """
    kind = _type_of(list(paths))
    decode = msgspec.json.Decoder(kind, float_hook=exact_json.number).decode_lines

    def read(lines: Sequence[bytes]) -> list[Event | None]:
        try:
            text = _plain(lines)
            found = decode(text) if text else []
            return [_sound(one, line) for one, line in zip(found, lines, strict=True)]
        except (msgspec.MsgspecError, InvalidOperation, ValueError):
            return [None] if len(lines) == 1 else [one for line in lines for one in read([line])]

    return read


def part_of(data: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return what an excerpt for these paths holds of an event that was read in full."""
    part = {key: value for key, value in data.items() if key in _KEPT}
    for path in paths:
        name, *inner = path.split(".")
        value = data.get(name)
        if not inner:
            part[name] = value
        elif value and inner[0] in value:
            part.setdefault(name, {})[inner[0]] = value[inner[0]]
    return part


def _plain(lines: Sequence[bytes]) -> bytes:
    """Return lines as one text if each holds objects and nothing else; else an empty one.

    To read eight at once saves a tenth of all. For the parser a line break is but a space, yet as
    many objects as lines are one in each: a line that ends with `}` in the middle of something
    cannot be followed by one that begins with `{`.
    """
    for line in lines:
        if not (line.startswith(b"{") and line.endswith(_ENDS)):
            return b""
    text = b"".join(lines)
    # What is passed over is not decoded.
    if not (text.isascii() or text.decode()):
        return b""
    return text if is_shallow(text) or all(map(is_shallow, lines)) else b""


def _sound(excerpt: Any, line: bytes) -> Event | None:
    """Return the excerpt if it is an event; an id becomes text."""
    try:
        excerpt.moment = parse_time(excerpt.time)
    except ValueError:
        return None
    if type(excerpt.user_id) is int:
        excerpt.user_id = str(excerpt.user_id)
    if type(excerpt.anonymous_id) is int:
        excerpt.anonymous_id = str(excerpt.anonymous_id)
    has_user = excerpt.user_id is not None or excerpt.anonymous_id is not None
    has_name = excerpt.name is not None or excerpt.type != "track"
    excerpt.line = line
    return excerpt if has_user and has_name else None


def _type_of(paths: list[str]) -> Any:
    context, traits, properties = (
        _type_below(name, paths) for name in ("context", "traits", "properties")
    )
    return _Excerpt[context, traits, properties]  # type: ignore[valid-type]  # known at run time


def _type_below(name: str, paths: list[str]) -> Any:
    """Return the type of an object into which these paths lead, if any of them does."""
    if name in paths:
        return _WHOLE
    # What a path leads into further down is read whole.
    inner = [path.split(".")[1] for path in paths if path.startswith(f"{name}.")]
    if not inner:
        return _KEYS
    return TypedDict(name, dict.fromkeys(inner, Any), total=False)  # type: ignore[operator]  # known at run time
