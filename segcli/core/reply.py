"""What a vendor's reply means for the payloads that were posted.

Delivered                accepted
Refused(reason)          never for this payload; `splits`: a smaller batch may pass
Retry(reason, after)     later
Partial(refused, retry)  an answer item by item; the rest is delivered
Stop(reason, setting)    not for any payload, until somebody changes a setting
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from segcli.core.secret import display_url

EXCERPT = 200

_TRY_LATER = frozenset({408, 423, 425, 429})


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's answer. Header names are lower case; a `date` is always among them.

    `broken` says what is wrong with a body that did not come whole: it broke off, was too long or
    could not be decoded; "" for a whole one. The status of such a reply counts, but a verdict that
    reads the body has to stop the run: what the missing part says of single items is not known.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The vendor has it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The vendor will never take this payload. `splits`: a part of the batch may pass alone."""

    reason: str
    splits: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """The vendor may take it later; `after` is the wait it asked for, in seconds."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Partial:
    """The vendor answered for each item; what is in neither part is delivered.

    `refused` gives the reason by the item's place in the batch, from 0 on, `retry` the places to
    try again; what is in both is refused. `after` is the wait that was asked for, in seconds,
    `answered` the number of items that have an answer, where each must have one.
    """

    refused: Mapping[int, str]
    retry: frozenset[int] = frozenset()
    after: float | None = None
    answered: int | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Nothing will pass until the named setting is put right."""

    reason: str
    setting: str = ""


Verdict = Delivered | Refused | Retry | Partial | Stop


def is_status(number: int) -> bool:
    """Return whether a final reply of HTTP can have this status: 200 to 599."""
    return 200 <= number < 600


def by_status(reply: Reply) -> Verdict:
    """Judge a reply by its status alone, as most HTTP APIs mean it.

    408, 423, 429 and 5xx but 501 are tried again, as Segment's own actions framework does
    [code]; 425 (Too Early) says so by its definition. What is no status is a broken reply, and
    tried again too.
    """
    status = reply.status
    if not is_status(status):
        return Retry(f"{status:03} is not the status of a reply")
    if 200 <= status < 300:
        return Delivered()
    if status in _TRY_LATER or (status >= 500 and status != 501):
        return Retry(f"HTTP {status}", retry_after(reply))
    if status in {401, 403}:
        return Stop(answer(reply), setting="api_key")
    if 300 <= status < 400:
        target = display_url(reply.headers.get("location", "")) or "nowhere"
        return Stop(f"HTTP {status}, which points to {target}", setting="endpoint")
    return Refused(answer(reply), splits=status in {400, 413})


def of_batch(verdict: Verdict, reply: Reply, count: int) -> Verdict:
    """Return the verdict on a batch of so many items, or Stop where it cannot be one on it.

    A vendor that answers for items it was not sent has answered for something else: nobody knows
    which items it took, so none is settled. The same holds for a reply that did not come whole.
    """
    if not isinstance(verdict, Partial):
        return verdict
    if reply.broken:
        return Stop(f"HTTP {reply.status}, but with {reply.broken}")
    beyond = [place for place in (*verdict.refused, *verdict.retry) if not 0 <= place < count]
    if beyond:
        return Stop(f"for item {beyond[0]}, counted from 0, of a request with {count}")
    if verdict.answered not in (None, count):
        return Stop(f"for {verdict.answered} items of a request with {count}")
    return verdict


def retry_after(reply: Reply) -> float | None:
    """Return the seconds that `Retry-After` asks for, given in seconds or as an HTTP-date.

    A date is held against the reply's own `Date`, so the two clocks need not agree.
    """
    value = reply.headers.get("retry-after", "").strip()
    try:
        return float(value) if value.replace(".", "", 1).isdigit() else _until(value, reply)
    except (ValueError, OverflowError):
        return None


def answer(reply: Reply) -> str:
    """Return the status and the beginning of the body, on one line."""
    text = excerpt(reply.body[: 4 * EXCERPT].decode(errors="replace"))
    return f"HTTP {reply.status}: {text}" if text else f"HTTP {reply.status}"


def excerpt(text: str) -> str:
    """Return the beginning of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _until(date: str, reply: Reply) -> float:
    now = _moment(reply.headers.get("date", ""))
    return max(0.0, (_moment(date) - now).total_seconds())


def _moment(date: str) -> datetime:
    """Read an HTTP-date; one of its three forms does not say that it is UTC."""
    # It takes longer to import than all else that maps an event.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    time = parsedate_to_datetime(date)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
