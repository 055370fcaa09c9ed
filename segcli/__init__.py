"""segcli replays Segment events from a file into a destination.

The names below are what a destination plug-in needs; `segcli guide plugins` says how to write one.
Each is imported when it is first used, so that `segcli.__main__` can clean the import path before
that.
"""

__version__ = "0.1.0"

# As `typing` has it; this module imports nothing.
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
        """Import a public name; raises AttributeError where there is none of that name."""
        from importlib import import_module  # noqa: PLC0415  # see above

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
