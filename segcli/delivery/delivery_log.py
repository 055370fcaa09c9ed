"""The log of a delivery: each request and reply, and what is decided about each batch.

All texts from outside are redacted here, before they are cut and before any handler has them.
"""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core.destination import Request
from segcli.core.line import Line, Result
from segcli.core.outcome import Job
from segcli.core.plural import count_of
from segcli.core.redaction import MASK, Redactor
from segcli.core.reply import Reply
from segcli.core.request_layout import route_of_key
from segcli.core.secret import display_url
from segcli.core.trust import name_and_address
from segcli.delivery.batch import QueuedPayload
from segcli.delivery.refusal import REPLY_IDS, shown_body
from segcli.errors import SegcliError
from segcli.http.client import NoReply
from segcli.logs import DEBUG, INFO, WARNING, EventLog, log_of

# The most bytes of a body, and characters of a header, in the log.
MAX_LOGGED_BODY = 2 * 1024
_MAX_HEADER = 200
# The headers whose values are shown. Any other may hold a key that is not known as one.
_SHOWN_HEADERS = frozenset(
    {
        *("accept", "accept-encoding", "content-encoding", "content-length", "content-type"),
        *("date", "retry-after", "server", "user-agent", "via"),
        *("ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"),
        *("x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"),
        *REPLY_IDS,
    }
)
_LEVELS = {"refused": WARNING, "rejected": WARNING}


@dataclass(frozen=True, slots=True)
class Sent:
    """A request that is sent.

    batch: its payloads.
    request: the request.
    number: its number in the run, from 1.
    attempt: the number of the attempt, from 1.
    """

    batch: Sequence[QueuedPayload]
    request: Request
    number: int
    attempt: int


class WireLog:
    """Logs each request and each reply, at the level DEBUG."""

    def __init__(self, log: EventLog, redactor: Redactor) -> None:
        self._log = log
        self._redactor = redactor

    def requested(self, sent: Sent) -> None:
        """Log a request before it is sent."""
        request, body = sent.request, self._body(_unpacked(sent.request))
        about = _about(sent.batch, self._redactor)
        address = self._redactor.redact(display_url(request.url))
        size = len(request.body)
        text = (
            f"request {sent.number}: {request.method} {address}, {about}, "
            f"attempt {sent.attempt}, {size:,} bytes: {body}"
        )
        more = {"method": request.method, "address": address, "size": size, "body": body}
        headers = self._headers(request.headers)
        self._write("request", text, sent, {**more, "headers": headers})

    def replied(self, sent: Sent, reply: Reply | NoReply, seconds: float) -> None:
        """Log the reply to a request, or that there was none."""
        took = f"after {seconds * 1000:,.0f} ms"
        more: dict[str, Any] = {"seconds": round(seconds, 6)}
        if isinstance(reply, NoReply):
            reason = self._redactor.redact(reply.reason)
            text = f"request {sent.number}: no reply {took}: {reason}"
            self._write("no_reply", text, sent, more | {"reason": reason})
            return
        body, headers = self._body(reply.body), self._headers(reply.headers)
        said = "".join(f", {name}: {headers[name]}" for name in REPLY_IDS if name in headers)
        size = len(reply.body)
        text = f"request {sent.number}: HTTP {reply.status} {took}{said}, {size:,} bytes: {body}"
        more |= {"status": reply.status, "size": size, "headers": headers, "body": body}
        self._write("reply", text, sent, more)

    def _write(self, event: str, text: str, sent: Sent, more: Mapping[str, Any]) -> None:
        own = {"request": sent.number, "attempt": sent.attempt}
        self._log.write(
            DEBUG, text, {"event": event, **_facts(sent.batch, self._redactor), **own, **more}
        )

    def _body(self, body: bytes) -> str:
        return shown_body(body, MAX_LOGGED_BODY, self._redactor)

    def _headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name.lower(): self._redactor.redact(text)[:_MAX_HEADER]
            if name.lower() in _SHOWN_HEADERS
            else MASK
            for name, text in headers.items()
        }


class DeliveryLog:
    """Logs what is decided about batches and lines, and why."""

    def __init__(self, log: EventLog, redactor: Redactor) -> None:
        self._log = log
        self._redactor = redactor

    def started(self, job: Job, earlier: int, *, concurrency: int, rate: float | None) -> None:
        """Log that a run begins; the vendor answered `earlier` events in earlier runs."""
        limits = f"at most {count_of(concurrency, 'request')} at once"
        limits += f", {rate:g} a second" if rate else ""
        resumed = f"; {earlier:,} events were answered in earlier runs" if earlier else ""
        text = f"sending to {name_and_address(job)}, {limits}{resumed}"
        self._write(INFO, "start", text, {"destination": job.destination.name})

    def stopping(self, reason: BaseException | None) -> None:
        """Log that the run stops, and why."""
        said = reason.message if isinstance(reason, SegcliError) else type(reason).__name__
        said = self._redactor.redact(said)
        self._write(WARNING, "stop", f"stopping: {said}", {"reason": said})

    def ended(self, tally: Tally) -> None:
        """Log the counts at the end of a run."""
        counts: dict[str, int] = {"read": tally.read}
        counts |= {str(state): lines for state, lines in tally.ledger(STATES_OF_SEND).items()}
        text = "end: " + ", ".join(f"{lines:,} {state}" for state, lines in counts.items())
        self._write(INFO, "end", text, {"counts": counts})

    def delivered(self, batch: Sequence[QueuedPayload], attempt: int) -> None:
        """Log that the vendor accepted a batch."""
        if not self._log.takes(DEBUG):
            return
        text = f"{_about(batch, self._redactor)}: delivered"
        self._write(DEBUG, "delivered", text, {**_facts(batch, self._redactor), "attempt": attempt})

    def split(self, batch: Sequence[QueuedPayload], reason: str, status: int | None) -> None:
        """Log that a batch was refused and is sent again in two parts."""
        reason = self._redactor.redact(reason)
        text = f"{_about(batch, self._redactor)}: {reason}; sent again in two parts"
        self._write(
            INFO,
            "split",
            text,
            {**_facts(batch, self._redactor), "status": status, "reason": reason},
        )

    def retried(self, batch: Sequence[QueuedPayload], facts: Mapping[str, Any]) -> None:
        """Log that a batch waits for its next attempt.

        facts: `reason`, `status`, `attempt`, the `seconds` until the next one, and the seconds
            that the vendor asks to wait (`retry_after`), which hold for all requests.
        """
        reason = self._redactor.redact(facts["reason"])
        next_ = f"attempt {facts['attempt'] + 1} in {facts['seconds']:.1f} s"
        if facts["retry_after"]:
            next_ += f"; the vendor asks for no request for {facts['retry_after']:,.1f} s"
        text = f"{_about(batch, self._redactor)}: {reason}; {next_}"
        self._write(
            INFO, "retry", text, {**_facts(batch, self._redactor), **facts, "reason": reason}
        )

    def narrowed(self, window: int, status: int) -> None:
        """Log that fewer requests may be in flight, because of a reply with this status."""
        text = f"HTTP {status}: at most {count_of(window, 'request')} in flight"
        self._write(INFO, "slower", text, {"status": status, "reason": f"HTTP {status}"})

    def settled(self, result: Result) -> None:
        """Log the end of lines that were not delivered."""
        level, lines = _LEVELS.get(result.state, DEBUG), result.lines
        if not self._log.takes(level):
            return
        reason = self._redactor.redact(result.reason)
        about = f"{_place(lines[0])}{_more(len(lines), 'line')}"
        facts = {
            "at": _place(lines[0]),
            "events": len(lines),
            "status": result.status,
            "attempt": result.attempts or None,
            "reason": reason,
        }
        self._write(level, result.state, f"{about}: {result.state}: {reason}", facts)

    def _write(self, level: int, event: str, text: str, facts: Mapping[str, Any]) -> None:
        self._log.write(level, text, {"event": event, **facts})


def wire_log(redactor: Redactor) -> WireLog | None:
    """Return the log of requests and replies; None if nothing listens to it."""
    log = log_of("http", DEBUG)
    return WireLog(log, redactor) if log else None


def delivery_log(redactor: Redactor) -> DeliveryLog | None:
    """Return the log of decisions; None if nothing listens to it."""
    log = log_of("delivery", WARNING)
    return DeliveryLog(log, redactor) if log else None


def _unpacked(request: Request) -> bytes:
    """Return the body of a request as it was before it was compressed."""
    is_packed = request.headers.get("Content-Encoding") == "gzip"
    return zlib.decompress(request.body, 16 + zlib.MAX_WBITS) if is_packed else request.body


def _facts(batch: Sequence[QueuedPayload], redactor: Redactor) -> dict[str, Any]:
    route = redactor.redact(route_of_key(batch[0].route))
    return {"at": _place(batch[0].line), "events": len(batch), "route": route}


def _about(batch: Sequence[QueuedPayload], redactor: Redactor) -> str:
    """Return which events a batch has, and their route: `a.jsonl:3 and 9 more events to /track`."""
    route = redactor.redact(route_of_key(batch[0].route))
    return f"{_place(batch[0].line)}{_more(len(batch), 'event')} to {route}"


def _place(line: Line) -> str:
    return f"{line.file}:{line.number}"


def _more(count: int, noun: str) -> str:
    if count == 1:
        return ""
    return f" and {count - 1:,} more {noun}{'s' if count > 2 else ''}"
