"""What Segment's spec recommends but does not enforce: sizes, messageIds, reserved traits."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from segcli.core.destination import Remark
from segcli.core.event import Event, is_number, is_time

EVENT_BYTES = 32 * 1024
MESSAGE_ID_LENGTH = 100

_DATES = ("birthday", "createdAt", "created_at")
# The paths of the traits that are dates.
DATE_FIELDS = tuple((*of, name) for of in (("traits",), ("context", "traits")) for name in _DATES)


def remarks_by_type(event: Event) -> list[Remark]:
    """Return a remark on each messageId or reserved trait of a wrong type [doc]."""
    message_id = event.data.get("messageId")
    found = [] if isinstance(message_id, str | None) else [Remark("messageId", "is not text")]
    return found + [
        Remark(f"{path}.{name}", f"is not {_RESERVED[name][0]}")
        for path, traits in _traits(event)
        for name, value in traits.items()
        if name in _RESERVED and value is not None and not _RESERVED[name][1](value)
    ]


def remarks_by_value(event: Event) -> list[Remark]:
    """Return a remark on each value that Segment does not accept, or may drop silently [doc]."""
    found = []
    if len(event.raw) > EVENT_BYTES:
        found.append(Remark("", "is larger than 32 KB, which Segment does not accept"))
    message_id = event.data.get("messageId")
    if isinstance(message_id, str) and len(message_id) > MESSAGE_ID_LENGTH:
        found.append(Remark("messageId", f"is longer than {MESSAGE_ID_LENGTH} characters"))
    found += [
        Remark(f"{path}.{name}", "is not a date")
        for path, traits in _traits(event)
        for name in _DATES
        if name in traits and not is_date(traits[name], name)
    ]
    return found


def is_date(value: object, name: str) -> bool:
    """Return whether a trait is a date; a number before 1970 is one for a birthday only."""
    if is_number(value):
        return value >= 0 or name == "birthday"
    # `remarks_by_type` reports a wrong type.
    return not isinstance(value, str) or is_time(value)


def _traits(event: Event) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the objects that hold traits, each with its path."""
    traits, context = event.data.get("traits"), event.data.get("context")
    if traits:
        yield "traits", traits
    if context and isinstance(context.get("traits"), dict):
        yield "context.traits", context["traits"]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_text_or_number(value: object) -> bool:
    return isinstance(value, str) or is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_Check = tuple[str, Callable[[object], bool]]
_TEXT: _Check = ("text", _is_text)
_DATE: _Check = ("a date", _is_text_or_number)
_OBJECT: _Check = ("an object", _is_object)
# The reserved traits [doc], in camelCase and snake_case.
_RESERVED: Mapping[str, _Check] = {
    **dict.fromkeys(("avatar", "description", "email", "firstName", "first_name"), _TEXT),
    **dict.fromkeys(("gender", "lastName", "last_name", "name", "phone"), _TEXT),
    **dict.fromkeys(("title", "username", "website"), _TEXT),
    **dict.fromkeys(_DATES, _DATE),
    **dict.fromkeys(("address", "company"), _OBJECT),
    "age": ("a number", is_number),
    "id": ("text or a number", _is_text_or_number),
}
