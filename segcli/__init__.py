"""segcli maps and sends Segment events: from a program, from the command line, by plug-ins.

`transform`, `check`, `send`, `parse` and `destination` are the interface for programs, see
`segcli guide python`. The other names are for destination plug-ins too, see `segcli guide plugins`.
Each name is imported when it is first used. So importing segcli is quick, and `segcli.__main__` can
remove the working folder from the import path first.
"""

__version__ = "0.1.0"

# Type checkers treat this name like `typing.TYPE_CHECKING`; this module imports nothing.
TYPE_CHECKING = False

if TYPE_CHECKING:
    from segcli.accounting.tally import Tally
    from segcli.api import check, destination, parse, send, transform
    from segcli.core.destination import (
        Destination,
        Field,
        Limits,
        Payload,
        Remark,
        Request,
        Unmapped,
    )
    from segcli.core.event import Event, Rejected
    from segcli.core.item_replies import Items, by_item
    from segcli.core.outcome import ActionPayload, ActionRejection, Outcome
    from segcli.core.replay import Dedup, Evidence, Replay, ReplayMark, UserLimits
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
    from segcli.environment import Environment, from_environment
    from segcli.errors import (
        DestinationError,
        InputError,
        Interrupted,
        OutputError,
        SegcliError,
        SettingsError,
        Stopped,
        UsageError,
    )
    from segcli.review.review import Review
    from segcli.runs.report import Report
else:
    # The module of each public name.
    _HOMES = {
        "accounting.tally": ("Tally",),
        "api": ("check", "destination", "parse", "send", "transform"),
        "core.destination": (
            *("Destination", "Field", "Limits", "Payload", "Remark", "Request"),
            "Unmapped",
        ),
        "core.event": ("Event", "Rejected"),
        "core.item_replies": ("Items", "by_item"),
        "core.outcome": ("ActionPayload", "ActionRejection", "Outcome"),
        "core.replay": ("Dedup", "Evidence", "Replay", "ReplayMark", "UserLimits"),
        "core.reply": (
            *("Delivered", "Partial", "Refused", "Reply", "Retry", "Stop", "Verdict"),
            *("by_status", "retry_after"),
        ),
        "core.secret": ("Secret",),
        "core.settings": ("setting",),
        "environment": ("Environment", "from_environment"),
        "errors": (
            *("DestinationError", "InputError", "Interrupted", "OutputError", "SegcliError"),
            *("SettingsError", "Stopped", "UsageError"),
        ),
        "review.review": ("Review",),
        "runs.report": ("Report",),
    }

    def __getattr__(name):  # noqa: ANN001, ANN202  # not for type checkers: they see the imports
        """Import and return a public name; raises AttributeError if there is no such name."""
        from importlib import import_module  # noqa: PLC0415  # see the module's docstring

        for home, names in _HOMES.items():
            if name in names:
                return getattr(import_module(f"{__name__}.{home}"), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():  # noqa: ANN202  # as above
        return sorted(__all__)


__all__ = [
    "ActionPayload",
    "ActionRejection",
    "Dedup",
    "Delivered",
    "Destination",
    "DestinationError",
    "Environment",
    "Event",
    "Evidence",
    "Field",
    "InputError",
    "Interrupted",
    "Items",
    "Limits",
    "Outcome",
    "OutputError",
    "Partial",
    "Payload",
    "Refused",
    "Rejected",
    "Remark",
    "Replay",
    "ReplayMark",
    "Reply",
    "Report",
    "Request",
    "Retry",
    "Review",
    "Secret",
    "SegcliError",
    "SettingsError",
    "Stop",
    "Stopped",
    "Tally",
    "Unmapped",
    "UsageError",
    "UserLimits",
    "Verdict",
    "__version__",
    "by_item",
    "by_status",
    "check",
    "destination",
    "from_environment",
    "parse",
    "retry_after",
    "send",
    "setting",
    "transform",
]
