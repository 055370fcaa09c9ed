"""segcli replays Segment events from a file into a destination.

The names below are what a destination plug-in needs; `segcli guide plugins` says how to write one.
"""

from segcli.destination import Destination, Field, Limits, Payload, Remark, Request
from segcli.event import Event, Rejected
from segcli.items import Items, by_item
from segcli.secret import Secret
from segcli.settings import setting
from segcli.verdict import (
    Delivered,
    Partial,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    by_status,
    retry_after,
)

__version__ = "0.1.0"

__all__ = [
    "Delivered",
    "Destination",
    "Event",
    "Field",
    "Items",
    "Limits",
    "Partial",
    "Payload",
    "Refused",
    "Rejected",
    "Remark",
    "Reply",
    "Request",
    "Retry",
    "Secret",
    "Stop",
    "Verdict",
    "__version__",
    "by_item",
    "by_status",
    "retry_after",
    "setting",
]
