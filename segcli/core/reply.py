"""Replies, and verdicts: what a vendor's reply means for the posted payloads.

Delivered                accepted
Refused(reason)          never accepted; with `splits`, a smaller batch may be
Retry(reason, after)     may be accepted later
Partial(refused, retry)  a result for single items; what became of the others
Stop(reason, setting)    no payload is accepted until a setting is changed
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Literal

from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.core.placeholder import payload_value, text_of
from segcli.core.secret import display_url

EXCERPT = 200

_RETRY_STATUSES = frozenset({408, 423, 425, 429})
_TOO_MANY = 429
# The numbers that are times of these decades, in seconds since 1970.
_RESETS = range(10**9, 10**10)


@dataclass(frozen=True, slots=True)
class Reply:
    """A vendor's answer.

    status: the HTTP status.
    headers: the headers, with lower-case names; there is always a `date`.
    body: the decoded body.
    broken: why the body is not complete: it broke off, was too long or could not be decoded; ""
        if it is complete. The status of such a reply counts. But a verdict that reads the body
        must stop the run, because the missing part may have results of single items.
    """

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    broken: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The vendor accepted the batch."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The vendor will never accept this batch.

    reason: why.
    splits: True if a part of the batch may be accepted alone.
    """

    reason: str
    splits: bool = False


@dataclass(frozen=True, slots=True)
class Retry:
    """The vendor may accept the batch later.

    reason: why it did not.
    after: how long it asks to wait, in seconds.
    """

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class NamedByValue:
    """A refusal of the items that have a value at a dotted path of their payload, for a reason."""

    path: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Partial:
    """The vendor gave a result for each item. An item in no part is delivered, or see `unnamed`.

    refused: the reason for each refused item, by its index in the batch, from 0.
    retry: the indexes of items to try again. An item in both parts is refused.
    after: how long the vendor asks to wait, in seconds.
    answered: the number of items with a result, if each item must have one.
    by_value: refusals of items that the vendor names by a value.
    unnamed: what became of the items in no part: `retry` if the vendor took none of them, because
        of the others.
    retry_reasons: why items are to be tried again, by their index, as far as the vendor says it;
        for people only.
    """

    refused: Mapping[int, str]
    retry: frozenset[int] = frozenset()
    after: float | None = None
    answered: int | None = None
    by_value: Sequence[NamedByValue] = ()
    unnamed: Literal["delivered", "retry"] = "delivered"
    retry_reasons: Mapping[int, str] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, slots=True)
class Stop:
    """No payload will be accepted until the setting is corrected.

    reason: why.
    setting: the name of the setting; "" if unknown.
    """

    reason: str
    setting: str = ""


Verdict = Delivered | Refused | Retry | Partial | Stop


def is_status(number: int) -> bool:
    """True if a final HTTP reply can have this status: 200 to 599."""
    return 200 <= number < 600


def by_status(reply: Reply) -> Verdict:
    """Judge a reply by its status alone, with the meaning in most HTTP APIs.

    408, 423, 429 and 5xx except 501 are retried, as Segment's own actions framework does [code].
    425 (Too Early) is retried by its definition. A number that is not a status means a broken
    reply, which is retried too.
    """
    status = reply.status
    if not is_status(status):
        return Retry(f"{status:03} is not the status of a reply")
    if 200 <= status < 300:
        return Delivered()
    if is_temporary(status):
        return Retry(f"HTTP {status}", retry_after(reply))
    if status in {401, 403}:
        return Stop(answer(reply), setting="api_key")
    if 300 <= status < 400:
        target = display_url(reply.headers.get("location", "")) or "nowhere"
        return Stop(f"HTTP {status}, which points to {target}", setting="endpoint")
    return Refused(answer(reply), splits=status in {400, 413})


def is_temporary(status: int) -> bool:
    """Return whether a status usually means that the same request may be accepted later."""
    return status in _RETRY_STATUSES or (status >= 500 and status != 501)


def of_batch(verdict: Verdict, reply: Reply, bodies: Sequence[bytes]) -> Verdict:
    """Return the verdict on a batch of these payloads, or Stop if it does not fit the batch.

    In the result items are named by their index only. If a vendor has results for items that were
    not in the request, it is unknown which items it accepted: no item is settled. The same is true
    for an incomplete reply.
    """
    if not isinstance(verdict, Partial):
        return verdict
    if reply.broken:
        return Stop(f"HTTP {reply.status}, but with {reply.broken}")
    if verdict.by_value:
        found = _with_places(verdict, bodies)
        if isinstance(found, Stop):
            return found
        verdict = found
    count = len(bodies)
    beyond = [place for place in (*verdict.refused, *verdict.retry) if not 0 <= place < count]
    if beyond:
        return Stop(f"for item {beyond[0]}, counted from 0, of a request with {count}")
    if verdict.answered not in (None, count):
        return Stop(f"for {verdict.answered} items of a request with {count}")
    return verdict


def _with_places(verdict: Partial, bodies: Sequence[bytes]) -> Partial | Stop:
    """Return the verdict with indexes in place of values; Stop if no item has one of them.

    A vendor may write an address in small letters that was sent in capitals.
    """
    payloads = [loads(body, levels=3 * MAX_DEPTH) for body in bodies]
    refused = dict(verdict.refused)
    for named in verdict.by_value:
        texts = [text_of(payload_value(payload, named.path)) for payload in payloads]
        places = [at for at, text in enumerate(texts) if text == named.value]
        folded = named.value.casefold()
        places = places or [
            at for at, text in enumerate(texts) if text and text.casefold() == folded
        ]
        if not places:
            return Stop(f"for an item with another value of {named.path} than the request has")
        for place in places:
            refused.setdefault(place, named.reason)
    return replace(verdict, refused=refused, by_value=())


def retry_after(reply: Reply) -> float | None:
    """Return the seconds that `Retry-After` asks for, given in seconds or as an HTTP-date.

    A 429 without it may have the time in `X-RateLimit-Reset`. A time is compared with the reply's
    own `Date`, so the two clocks may differ.
    """
    value = reply.headers.get("retry-after", "").strip()
    if not value and reply.status == _TOO_MANY:
        return _until_reset(reply)
    try:
        return float(value) if value.replace(".", "", 1).isdigit() else _until(value, reply)
    except (ValueError, OverflowError):
        return None


def answer(reply: Reply) -> str:
    """Return the status and the start of the body, on one line."""
    text = excerpt(reply.body[: 4 * EXCERPT].decode(errors="replace"))
    return f"HTTP {reply.status}: {text}" if text else f"HTTP {reply.status}"


def excerpt(text: str) -> str:
    """Return the start of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= EXCERPT else line[: EXCERPT - 1] + "…"


def _until_reset(reply: Reply) -> float | None:
    """Return the seconds until `X-RateLimit-Reset`, a time in UTC seconds at Braze and Intercom.

    A number that is no such time is ignored: vendors mean different things by it.
    """
    try:
        reset = int(reply.headers.get("x-ratelimit-reset", ""))
        now = _moment(reply.headers.get("date", "")).timestamp()
    except (ValueError, OverflowError):
        return None
    return max(0.0, reset - now) if reset in _RESETS else None


def _until(date: str, reply: Reply) -> float:
    now = _moment(reply.headers.get("date", ""))
    return max(0.0, (_moment(date) - now).total_seconds())


def _moment(date: str) -> datetime:
    """Parse an HTTP-date. One of its three forms does not name the zone, which is UTC."""
    # Imported here: the import takes longer than all other imports of the mapping.
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    time = parsedate_to_datetime(date)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
