"""The log of a run: standard `logging`, loggers named `segcli.…`, and no handler of its own.

    segcli.delivery   what is decided, and why: retries, splits, waits, refusals
    segcli.http       each request and each reply
    segcli.inputs     inputs that are opened, downloads that are tried again

A record has a text, and the facts in it as attributes (`extra`), named by FIELDS, so that any
handler can write them as structured lines. Texts and facts have no secret in them.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import logging

ROOT = "segcli"
DEBUG, INFO, WARNING = 10, 20, 30

# The facts that a record may have. Times are in seconds, sizes in bytes.
#
# event: what happened, such as `retry`; every record has one.
# destination: the name of the destination.
# at: the file and the number of the first line that it is about.
# events: how many lines it is about.
# route, status, attempt: the route, the HTTP status, and the number of the attempt, from 1.
# request: the number of the request in this run, from 1.
# reason: why.
# seconds: how long it took, or how long is waited.
# retry_after: how long the vendor asks to wait; 0 if it does not.
# method, address, headers, body, size: those of a request or a reply.
# counts: the lines by state.
FIELDS = (
    *("event", "destination", "at", "events", "route", "status", "attempt", "request", "reason"),
    *("seconds", "retry_after", "method", "address", "size", "headers", "body", "counts"),
)


@dataclass(frozen=True, slots=True)
class EventLog:
    """A logger that something listens to."""

    logger: "logging.Logger"

    def write(self, level: int, text: str, facts: Mapping[str, Any]) -> None:
        """Log a text with its facts; those that are None are left out."""
        extra = {name: fact for name, fact in facts.items() if fact is not None}
        self.logger.log(level, "%s", text, extra=extra, stacklevel=3)

    def takes(self, level: int) -> bool:
        """Whether records of this level are written."""
        return self.logger.isEnabledFor(level)


def log_of(name: str, level: int) -> EventLog | None:
    """Return the logger `segcli.NAME` if it takes this level now and has a handler, else None.

    Ask once at the start of something long: without a log nothing is built for one. Where nothing
    has imported `logging` there is no handler, so it is not imported for this.
    """
    loaded: Any = sys.modules.get("logging")
    if loaded is None:
        return None
    root = loaded.getLogger(ROOT)
    if not root.handlers:
        # Otherwise Python prints warnings of libraries to stderr.
        root.addHandler(loaded.NullHandler())
    logger = root.getChild(name)
    is_heard = logger.isEnabledFor(level) and any(
        not isinstance(handler, loaded.NullHandler) for handler in _handlers(logger)
    )
    return EventLog(logger) if is_heard else None


def _handlers(logger: "logging.Logger | None") -> "Iterator[logging.Handler]":
    """Yield the handlers that get the records of a logger."""
    while logger:
        yield from logger.handlers
        logger = logger.parent if logger.propagate else None
