"""segcli replays Segment events from a file into a destination.

The names below are the interface for destination plug-ins; `segcli guide plugins` describes it.
Each name is imported when it is first used, so that `segcli.__main__` can remove the working folder
from the import path first.
"""

__version__ = "0.1.0"

# Type checkers treat this name like `typing.TYPE_CHECKING`; this module imports nothing.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from segcli.core.destination import Destination, Field, Limits, Payload, Remark, Request
    from segcli.core.event import Event, Rejected
    from segcli.core.item_replies import Items, by_item
    from segcli.core.reply import (
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
    from segcli.core.secret import Secret
    from segcli.core.settings import setting
else:

    def __getattr__(name):  # noqa: ANN001, ANN202  # not for type checkers: they see the imports
        """Import and return a public name; raises AttributeError if there is no such name."""
        from importlib import import_module  # noqa: PLC0415  # see the module's docstring

        if name in __all__:
            for module in ("destination", "event", "item_replies", "secret", "settings", "reply"):
                found = vars(import_module(f"{__name__}.core.{module}"))
                if name in found:
                    return found[name]
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
