"""What Segment's spec advises and does not enforce: sizes, messageIds, reserved traits."""

from collections.abc import Callable, Mapping

from segcli.destination import Remark
from segcli.event import Event, is_number, parse_time

EVENT_BYTES = 32 * 1024
MESSAGE_ID_LENGTH = 100


def remarks(event: Event) -> list[Remark]:
    """Return what Segment itself would not like about an event, or may drop silently [doc]."""
    found = []
    if len(event.raw) > EVENT_BYTES:
        found.append(Remark("", "is larger than 32 KB, which Segment does not take"))
    message_id = event.data.get("messageId")
    if isinstance(message_id, str) and len(message_id) > MESSAGE_ID_LENGTH:
        found.append(Remark("messageId", f"is longer than {MESSAGE_ID_LENGTH} characters"))
    context = event.data.get("context") or {}
    found += _of_traits(event.data.get("traits"), "traits")
    found += _of_traits(context.get("traits"), "context.traits")
    return found


def _of_traits(traits: object, path: str) -> list[Remark]:
    if not isinstance(traits, dict):
        return []
    return [
        Remark(f"{path}.{name}", f"is not {_RESERVED[name][0]}")
        for name, value in traits.items()
        if name in _RESERVED and value is not None and not _RESERVED[name][1](value)
    ]


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_date_of_ours(value: object) -> bool:
    """Tell whether it is a date on which an account can have been made; a birthday is older."""
    return value >= 0 if is_number(value) else _is_date(value)


def _is_date(value: object) -> bool:
    if is_number(value):
        return True
    try:
        parse_time(value)
    except ValueError:
        return False
    return True


def _is_id(value: object) -> bool:
    return isinstance(value, str) or is_number(value)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


_Check = tuple[str, Callable[[object], bool]]
_TEXT: _Check = ("text", _is_text)
_DATE: _Check = ("a date", _is_date)
_DATE_OF_OURS: _Check = ("a date", _is_date_of_ours)
_OBJECT: _Check = ("an object", _is_object)
# The reserved traits [doc], in camelCase and snake_case.
_RESERVED: Mapping[str, _Check] = {
    **dict.fromkeys(("avatar", "description", "email", "firstName", "first_name"), _TEXT),
    **dict.fromkeys(("gender", "lastName", "last_name", "name", "phone"), _TEXT),
    **dict.fromkeys(("title", "username", "website"), _TEXT),
    "birthday": _DATE,
    **dict.fromkeys(("createdAt", "created_at"), _DATE_OF_OURS),
    **dict.fromkeys(("address", "company"), _OBJECT),
    "age": ("a number", is_number),
    "id": ("text or a number", _is_id),
}
