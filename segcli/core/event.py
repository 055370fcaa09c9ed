"""An event: one Segment call, parsed from one line and checked once.

A mapping may rely on what `parse` checks. The fields are those of Segment's spec
(https://segment.com/docs/connections/spec/common/).
"""

from codecs import BOM_UTF8
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeGuard

import msgspec

from segcli.core import exact_json
from segcli.core.event_time import is_time, parse_time
from segcli.core.missing_id import is_missing_id
from segcli.core.reject_record import actions_of, original

TYPES = frozenset({"identify", "track", "page", "screen", "group", "alias"})
# The next best ones, where there is no timestamp.
OTHER_TIMES = ("originalTimestamp", "receivedAt", "sentAt")
TIME_FIELDS = ("timestamp", *OTHER_TIMES)

_OBJECT_FIELDS = ("context", "traits", "properties", "integrations")
_JSON_SPACE = b" \t\r\n"
NUMBERS = frozenset({int, float, exact_json.WrittenFloat, Decimal})


class Rejected(Exception):
    """The event can never be mapped: `field` (a dotted path) has `problem`.

    It is also a value: rejected lines are counted by its text. So neither part may contain values
    of a single event. `code` is the code of the finding in `segcli check`; "" for one that is not
    told apart from others of the destination. `action` is the action that cannot map the event, if
    it is the only one that takes it; "" if that is unknown.
    """

    action = ""

    def __init__(self, field: str, problem: str, code: str = "") -> None:
        super().__init__(field, problem, code)
        self.field = field
        self.problem = problem
        self.code = code

    def __str__(self) -> str:
        return f"{self.field} {self.problem}" if self.field else self.problem


# Not a frozen dataclass, which takes six times as long to create.
class Event(msgspec.Struct, frozen=True, gc=False):
    """One Segment call.

    raw: the JSON as written in the line.
    data: the parsed JSON. Numbers are int, float or Decimal and keep every digit. An empty array
        where the spec has an object is an empty object, and an unpaired surrogate is U+FFFD. Do
        not change it.
    actions: the names of the only actions that the event is for, as a record of a rejects file has
        them; None for all.
    """

    raw: bytes
    data: dict[str, Any]
    actions: tuple[str, ...] | None = None

    @property
    def type(self) -> str:
        """The call type, one of `TYPES`."""
        kind: str = self.data["type"]
        return kind

    @property
    def name(self) -> str | None:
        """`event`, the name of a track."""
        name: str | None = self.data.get("event")
        return name

    @property
    def user_id(self) -> str | None:
        """`userId` as a string; None if it is absent, null or empty."""
        return identifier(self.data.get("userId"))

    @property
    def anonymous_id(self) -> str | None:
        """`anonymousId` as a string; None if it is absent, null or empty."""
        return identifier(self.data.get("anonymousId"))

    @property
    def user(self) -> str:
        """The user, whose events are delivered in order: `userId`, else `anonymousId`."""
        return self.user_id or self.anonymous_id or ""

    @property
    def has_missing_id(self) -> bool:
        """True if `userId` or `anonymousId` is a text for a missing id, such as `null`."""
        return is_missing_id(self.data.get("userId")) or is_missing_id(self.data.get("anonymousId"))

    @property
    def time(self) -> str | None:
        """When it happened, as written: `timestamp`, else the first other field with a valid time.

        A null or empty `timestamp` counts as absent.
        """
        timestamp: str | None = self.data.get("timestamp")
        return timestamp or next(self._other_times(), None)

    def times(self) -> Iterator[tuple[str, datetime]]:
        """Yield the times of the event, best first: the text as written, and its meaning.

        A destination that cannot send one uses the next.
        """
        timestamp: str | None = self.data.get("timestamp")
        if timestamp:
            # An event with an invalid timestamp is rejected. No other time replaces it.
            if not is_time(timestamp):
                return
            yield timestamp, parse_time(timestamp)
        yield from ((text, parse_time(text)) for text in self._other_times())

    def _other_times(self) -> Iterator[str]:
        for name in OTHER_TIMES:
            value: str | None = self.data.get(name)
            if value and is_time(value):
                yield value

    @property
    def integrations(self) -> dict[str, Any] | None:
        """The integrations object: which destinations the event is for; None if absent."""
        return self.data.get("integrations")

    @property
    def context(self) -> dict[str, Any] | None:
        """The context: where and how it happened; None if absent."""
        return self.data.get("context")

    @property
    def traits(self) -> dict[str, Any] | None:
        """The traits of the user or the group; None if absent."""
        return self.data.get("traits")

    @property
    def properties(self) -> dict[str, Any] | None:
        """The properties of a track, page or screen; None if absent."""
        return self.data.get("properties")

    def get(self, path: str) -> Any:
        """Return the value at a dotted path; None if absent."""
        value: Any = self.data
        for name in path.split("."):
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    def object(self, path: str) -> dict[str, Any]:
        """Return the object at a dotted path; an empty one if there is none."""
        value = self.get(path)
        return value if isinstance(value, dict) else {}

    def require(self, path: str, why: str = "is required") -> Any:
        """Return the value at a dotted path. Raises Rejected if it is absent or empty."""
        value = self.get(path)
        if value is None or value == "":
            raise Rejected(path, why)
        return value


def parse(line: bytes) -> Event:
    """Parse one line as an event and check it against Segment's spec. Raises Rejected.

    White space around the event and a byte order mark are ignored. For a line of a rejects file,
    the event in it is parsed.
    """
    raw = line.strip(_JSON_SPACE).removeprefix(BOM_UTF8)
    data = _object(raw)
    actions = None
    if "type" not in data and "state" in data:
        actions = _actions(data)
        # In JSON a line break can only be white space. `raw` has to be one line.
        raw = original(raw).replace(b"\n", b" ").strip(_JSON_SPACE).removeprefix(BOM_UTF8)
        data = _object(raw)
    _check(data)
    return Event(raw, data, actions)


def time_field(event: Event) -> str:
    """Return the name of the field that `Event.time` stands in; "" where there is no time."""
    time = event.time
    return next((name for name in TIME_FIELDS if time and event.data.get(name) == time), "")


def is_blank(line: bytes) -> bool:
    """True if a line is empty, apart from white space and a byte order mark."""
    return not line.strip().removeprefix(BOM_UTF8).strip()


def identifier(value: object) -> str | None:
    """Return an id as a string; None for null, an empty string and anything that is not an id."""
    if isinstance(value, str):
        return value or None
    return exact_json.number_text(value) if is_number(value) else None


def is_number(value: object) -> TypeGuard[int | float | Decimal]:
    """True if a JSON value is a number. Booleans are not."""
    return type(value) in NUMBERS


def _object(raw: bytes) -> dict[str, Any]:
    try:
        data = exact_json.loads(raw, replaces_surrogates=True)
    except ValueError as error:
        raise Rejected("", str(error), _code_of(error)) from None
    if not isinstance(data, dict):
        raise Rejected("", "not a JSON object", "SEG102")
    return data


def _actions(record: dict[str, Any]) -> tuple[str, ...] | None:
    try:
        return actions_of(record)
    except ValueError as error:
        raise Rejected("actions", str(error), "SEG304") from None


def _code_of(error: ValueError) -> str:
    """Return the code for a text that cannot be parsed."""
    return "SEG104" if str(error).startswith("nested") else "SEG101"


def _check(data: dict[str, Any]) -> None:
    """Check what Segment's spec requires of every event. Raises Rejected."""
    _check_type(data)
    _check_user(data)
    for name in _OBJECT_FIELDS:
        _check_object(data, name)
    context = data.get("context")
    if context and context.get("traits") == []:
        context["traits"] = {}
    timestamp = data.get("timestamp")
    if timestamp not in (None, "") and not is_time(timestamp):
        raise Rejected("timestamp", "is not a time that segcli reads", "SEG206")


def _check_object(data: dict[str, Any], name: str) -> None:
    """Make an empty object of an empty array, as PHP writes it; raises Rejected for all others."""
    value = data.get(name)
    if value == []:
        data[name] = {}
    elif not isinstance(value, dict | None):
        raise Rejected(name, "is not an object", "SEG205")


def _check_type(data: dict[str, Any]) -> None:
    kind = data.get("type")
    if kind is None:
        raise Rejected("type", "is required", "SEG201")
    if not isinstance(kind, str) or kind not in TYPES:
        raise Rejected("type", "is none of alias, group, identify, page, screen, track", "SEG201")
    if kind != "track":
        return
    name = data.get("event")
    if name is None or name == "":
        raise Rejected("event", "is required on track", "SEG202")
    if not isinstance(name, str):
        raise Rejected("event", "is not a string", "SEG202")


def _check_user(data: dict[str, Any]) -> None:
    user, anonymous = data.get("userId"), data.get("anonymousId")
    for name, value in (("userId", user), ("anonymousId", anonymous)):
        if not (value is None or isinstance(value, str) or is_number(value)):
            raise Rejected(name, "is neither a string nor a number", "SEG204")
    if user in (None, "") and anonymous in (None, ""):
        raise Rejected("userId", "is required, or anonymousId", "SEG203")
