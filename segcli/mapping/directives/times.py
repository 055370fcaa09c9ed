"""Times in the forms that vendors want: `@epoch`, `@iso`. segcli's own, not mapping-kit's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from segcli.mapping.javascript import UNDEFINED, is_javascript_number
from segcli.mapping.javascript_date import read_date, usual_time
from segcli.mapping.node import Context, Node

UNITS = ("seconds", "milliseconds")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# A number below this is in seconds, any other one in milliseconds: 1973 as milliseconds, the year
# 5138 as seconds.
_LEAST_MILLISECONDS = 100_000_000_000
# JavaScript's last point in time.
_LAST = 8_640_000_000_000_000


def epoch(options: dict[str, Any], context: Context) -> Node:
    """Compile `@epoch`: a time as a number of seconds, or milliseconds, since 1970."""
    value = context.part(options["value"], "@epoch", "value")
    read = value.run
    divisor = 1 if str(options.get("unit")).lower() == "milliseconds" else 1000

    def run(data: Any) -> Any:
        found = milliseconds_in(read(data))
        return UNDEFINED if found is None else found // divisor

    return Node(run, value.is_constant)


def iso(options: dict[str, Any], context: Context) -> Node:
    """Compile `@iso`: a time as `2026-01-31T12:00:00.000Z`, in UTC and with milliseconds."""
    value = context.part(options["value"], "@iso", "value")
    read = value.run

    def run(data: Any) -> Any:
        found = milliseconds_in(read(data))
        return UNDEFINED if found is None else iso_text(found)

    return Node(run, value.is_constant)


def iso_text(milliseconds: int) -> Any:
    """Return a time as text, from the milliseconds since 1970; UNDEFINED beyond the year 9999."""
    try:
        at = _EPOCH + milliseconds * _MILLISECOND
    except OverflowError:
        return UNDEFINED
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds_in(value: Any) -> int | None:
    """Return the milliseconds from 1970 to a time; None if a value is not one.

    A text is read as Node reads dates. A number below 100,000,000,000 is in seconds, any other in
    milliseconds.
    """
    if isinstance(value, str):
        at = usual_time(value) or read_date(value)
        if at is None:
            return None
        # Half the time of dividing by a timedelta.
        since = at - _EPOCH
        return since.days * 86_400_000 + since.seconds * 1000 + since.microseconds // 1000
    if not is_javascript_number(value) or not -_LAST <= value <= _LAST:
        return None
    factor = 1000 if -_LEAST_MILLISECONDS < value < _LEAST_MILLISECONDS else 1
    return value * factor if isinstance(value, int) else int(Decimal(value) * factor)
