"""What Segment's spec advises and does not enforce: sizes, messageIds, reserved traits."""

from collections.abc import Callable, Iterator, Mapping

from segcli.destination import Remark
from segcli.event import Event, is_number, parse_time

EVENT_BYTES = 32 * 1024
MESSAGE_ID_LENGTH = 100


def remarks(event: Event) -> Iterator[Remark]:
    """Yield what Segment itself would not like about an event, or may drop silently [doc]."""
    if len(event.raw) > EVENT_BYTES:
        yield Remark("", "is larger than 32 KB, which Segment does not take")
    message_id = event.data.get("messageId")
    if isinstance(message_id, str) and len(message_id) > MESSAGE_ID_LENGTH:
        yield Remark("messageId", f"is longer than {MESSAGE_ID_LENGTH} characters")
    for path in ("traits", "context.traits"):
        for name, value in event.object(path).items():
            expected = _RESERVED.get(name)
            if expected and value is not None and not _CHECKS[expected](value):
                yield Remark(f"{path}.{name}", f"is not {expected}")


def _is_text(value: object) -> bool:
    return isinstance(value, str)


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


_CHECKS: Mapping[str, Callable[[object], bool]] = {
    "text": _is_text,
    "a number": is_number,
    "a date": _is_date,
    "text or a number": _is_id,
    "an object": _is_object,
}
# The reserved traits [doc], in camelCase and snake_case.
_RESERVED: Mapping[str, str] = {
    **dict.fromkeys(("avatar", "description", "email", "firstName", "first_name"), "text"),
    **dict.fromkeys(("gender", "lastName", "last_name", "name", "phone"), "text"),
    **dict.fromkeys(("title", "username", "website"), "text"),
    **dict.fromkeys(("birthday", "createdAt", "created_at"), "a date"),
    **dict.fromkeys(("address", "company"), "an object"),
    "age": "a number",
    "id": "text or a number",
}
