"""Fast paths: decode the fields a mapping reads, or all; anything unusual goes to the full parser.

Parsing and checking an event took two thirds of the time of mapping it. Here the parser checks the
types and skips the fields that the mapping does not read, which takes half as long. `check` wants
all fields, and decodes each line once. An event that is not clearly valid is left to `event.parse`,
which also says what is wrong with it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from decimal import InvalidOperation
from itertools import islice
from operator import attrgetter
from types import NoneType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Generic,
    Literal,
    TypeAlias,
    TypedDict,
    TypeVar,
)

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import astuple

from segcli.core import exact_json
from segcli.core.event import Event, Rejected, parse
from segcli.core.event_time import parse_time
from segcli.core.exact_json import is_shallow
from segcli.core.missing_id import MISSING_ID_LENGTHS, is_missing_id

PartialParser = Callable[[Sequence[bytes]], list[Event | None]]

_C = TypeVar("_C")
_T = TypeVar("_T")
_P = TypeVar("_P")

_JSON_SPACE = b" \t\r\n"
_ENDS = (b"}\n", b"}\r\n", b"}")
if TYPE_CHECKING:
    _Line: TypeAlias = bytes
    _Moment: TypeAlias = datetime | None
    _Flag: TypeAlias = bool
    _Types: TypeAlias = tuple[type, ...]
else:

    class _SetLater:
        """The type of an attribute that no JSON can set: it is set after parsing."""

    _Line = _Moment = _Flag = _Types = _SetLater

_Name = Annotated[str, msgspec.Meta(min_length=1)]
_WHOLE = dict[str, Any]
# The type of an object that no mapping reads: only its keys, to know whether it is empty.
_KEYS = dict[str, msgspec.Raw]
_SPELLING = {
    "name": "event",
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "time": "timestamp",
    "line": "",
    "moment": " ",
    "has_missing_id": "  ",
}
_SPELLING_OF_OTHERS = {
    "message_id": "messageId",
    "original_timestamp": "originalTimestamp",
    "received_at": "receivedAt",
    "sent_at": "sentAt",
    "page_name": "name",
    "group_id": "groupId",
    "previous_id": "previousId",
    "project_id": "projectId",
    "write_key": "writeKey",
    "types": "   ",
}
# The attributes of a `WholeEvent` that are not called like the field, by its name.
_ATTRIBUTES = {name: attribute for attribute, name in (_SPELLING | _SPELLING_OF_OTHERS).items()}

# The fields that are read of every event.
_ALWAYS_READ = frozenset({"type", "integrations", *_SPELLING.values()})


class _PartialEvent(msgspec.Struct, Generic[_C, _T, _P], rename=_SPELLING, gc=False):
    """The attributes of an `Event` that mappings may read, without `data`.

    It always has a `timestamp`, and `moment` is its meaning. The other times are parsed on demand.
    """

    type: Literal["identify", "track", "page", "screen", "group", "alias"]
    time: str
    name: _Name | None = None
    user_id: _Name | int | None = None
    anonymous_id: _Name | int | None = None
    integrations: dict[str, Any] | None = None
    context: _C | None = None
    traits: _T | None = None
    properties: _P | None = None
    line: _Line = b""
    moment: _Moment = None
    has_missing_id: _Flag = False
    actions: ClassVar[None] = None

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


class WholeEvent(
    _PartialEvent[_WHOLE, _WHOLE, _WHOLE],
    rename=_SPELLING_OF_OTHERS,
    forbid_unknown_fields=True,
    gc=False,
):
    """An event with all its fields, if each is one of Segment's spec.

    types: the type of each possible field as it is written, in a fixed order. That of an absent
        field is the type of None if mappings may read it, else `UnsetType`.
    """

    message_id: Any = UNSET
    original_timestamp: Any = UNSET
    received_at: Any = UNSET
    sent_at: Any = UNSET
    channel: Any = UNSET
    version: Any = UNSET
    category: Any = UNSET
    page_name: Any = UNSET
    group_id: Any = UNSET
    previous_id: Any = UNSET
    project_id: Any = UNSET
    write_key: Any = UNSET
    _metadata: Any = UNSET
    types: _Types = ()

    def fields(self) -> dict[str, tuple[type, Any]]:
        """Return the fields that are not null, sorted, each with its type as written."""
        names = WholeEvent.__struct_encode_fields__
        found = {
            name: (kind, value)
            for name, kind, value in zip(names, self.types, astuple(self), strict=True)
            if name.strip() and kind not in (NoneType, UnsetType)
        }
        return dict(sorted(found.items()))


def partial_parser(paths: Iterable[str]) -> PartialParser:
    """Return a parser of events for a mapping that reads these dotted paths only.

    The paths lead into `context`, `traits` and `properties`; the other fields of `_PartialEvent`
    are always read. The parser takes a few lines and returns None for each line that it cannot
    handle. In the fields that it skips, it does not notice a number with a too large exponent.
    """
    kind = _type_of(list(paths))
    decode = msgspec.json.Decoder(kind, float_hook=exact_json.number).decode_lines

    def read(lines: Sequence[bytes]) -> list[Event | None]:
        try:
            text = _joined(lines)
            found = decode(text) if text else []
            return [_checked(one, line) for one, line in zip(found, lines, strict=True)]
        except (msgspec.MsgspecError, InvalidOperation, ValueError):
            return [None] if len(lines) == 1 else [one for line in lines for one in read([line])]

    return read


def whole_event(line: bytes) -> WholeEvent | None:
    """Return the event of a line; None for a line that `event.parse` has to judge.

    That is also one with a field that Segment's spec does not have.
    """
    if not is_shallow(line):
        return None
    try:
        event = _decode_whole(line)
    except (msgspec.MsgspecError, InvalidOperation, ValueError):
        return None
    # Before a number as id becomes text.
    event.types = (*map(type, astuple(event)),)
    return event if _checked(event, line) else None


def values_getter(names: Sequence[str]) -> Callable[[WholeEvent], Sequence[Any]]:
    """Return a function that returns the values of these fields of an event."""
    attributes = [_ATTRIBUTES.get(name, name) for name in names]
    if len(attributes) > 1:
        return attrgetter(*attributes)
    # An `attrgetter` of a single name would return no sequence.
    return lambda event: [getattr(event, name) for name in attributes]


def part_of(data: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Return the part of a fully parsed event that a partial parser for these paths reads."""
    part = {key: value for key, value in data.items() if key in _ALWAYS_READ}
    for path in paths:
        name, *inner = path.split(".")
        value = data.get(name)
        if not inner:
            part[name] = value
        elif value and inner[0] in value:
            part.setdefault(name, {})[inner[0]] = value[inner[0]]
    return part


_decode_whole = msgspec.json.Decoder(WholeEvent, float_hook=exact_json.number).decode


def _joined(lines: Sequence[bytes]) -> bytes:
    """Return lines as one text if each seems to be one object; else an empty text.

    Parsing eight lines at once saves 10 %. For the parser, a line break is just white space. But
    if it finds as many objects as lines, each line is one object: a line that ends with `}` within
    an object cannot be followed by a line that begins with `{`.
    """
    for line in lines:
        if not (line.startswith(b"{") and line.endswith(_ENDS)):
            return b""
    text = b"".join(lines)
    # The parser does not decode skipped fields, so check here that they are UTF-8.
    if not (text.isascii() or text.decode()):
        return b""
    return text if is_shallow(text) or all(map(is_shallow, lines)) else b""


def _checked(event: Any, line: bytes) -> Event | None:
    """Return the partial event if it is valid; a number as id becomes text."""
    try:
        event.moment = parse_time(event.time)
    except ValueError:
        return None
    user, anonymous = event.user_id, event.anonymous_id
    if type(user) is int:
        event.user_id = user = str(user)
    if type(anonymous) is int:
        event.anonymous_id = anonymous = str(anonymous)
    if (user or anonymous) is None or (event.name is None and event.type == "track"):
        return None
    if user is not None and len(user) in MISSING_ID_LENGTHS and is_missing_id(user):
        event.has_missing_id = True
    if anonymous is not None and len(anonymous) in MISSING_ID_LENGTHS and is_missing_id(anonymous):
        event.has_missing_id = True
    event.line = line
    checked: Event = event
    return checked


def _type_of(paths: list[str]) -> Any:
    context, traits, properties = (
        _type_below(name, paths) for name in ("context", "traits", "properties")
    )
    return _PartialEvent[context, traits, properties]  # type: ignore[valid-type]  # known at run time


def _type_below(name: str, paths: list[str]) -> Any:
    """Return the type of one of the three objects: it has the fields that these paths need."""
    if name in paths:
        return _WHOLE
    # Only the first level is selected: what is below it is read completely.
    inner = [path.split(".")[1] for path in paths if path.startswith(f"{name}.")]
    if not inner:
        return _KEYS
    return TypedDict(name, dict.fromkeys(inner, Any), total=False)  # type: ignore[operator]  # known at run time
