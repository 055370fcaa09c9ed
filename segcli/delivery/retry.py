"""Sending a batch until it is settled: post, apply the verdict, wait and retry, or split it."""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

import msgspec

from segcli.accounting.tally import Tally, Wait
from segcli.core.destination import Request
from segcli.core.line import RefusalDetails, Result
from segcli.core.outcome import Job
from segcli.core.redaction import Redactor
from segcli.core.reply import (
    Delivered,
    Partial,
    Refused,
    Reply,
    Retry,
    Stop,
    Verdict,
    by_status,
    of_batch,
)
from segcli.delivery.batch import QueuedPayload, halves, request_for
from segcli.delivery.delivery_log import DeliveryLog, Sent, WireLog
from segcli.delivery.expiry import parted_by_expiry
from segcli.delivery.ledger import Ledger
from segcli.delivery.refusal import refusals_of
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.stop_reason import (
    advise,
    asked_too_long,
    may_be_too_large,
    nothing_taken,
    stopped_by,
)
from segcli.delivery.throttle import Throttle
from segcli.errors import Stopped
from segcli.http.client import NoReply, Post

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
# Thirty years: longer than any run, and not too large for the clock of the event loop.
_LONGEST_ASKED = 1e9
_TOO_MANY = 429
_OVERLOADED = frozenset({_TOO_MANY, 503})


def backoff(attempt: int, chance: float) -> float:
    """Return the seconds to wait after the given attempt (1, 2, …): full jitter.

    `chance` is a random number from 0 to 1; the longest wait doubles from 0.5 s up to 30 s.
    """
    return float(chance * min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt - 1, 10)))


@dataclass(slots=True, kw_only=True)
class BatchSender:
    """Sends batches until every item is settled or the run is stopping.

    All workers share one sender.

    retry_for: seconds in which the vendor neither accepts nor refuses an event, after which the
        run stops. Events are left unsent, not refused, if the vendor is down.
    sleep: how a batch waits for its retry; returns early once the run is stopping.
    chance: returns a random number from 0 to 1, for the backoff.
    redactor: hides the secrets of the job; None to make one.
    log, wire_log: the logs of what is decided and of what is sent; None without one.
    largest_answered: the bytes of the largest body that had a reply, of any kind.
    clock: returns the time in seconds since 1970, which tells whether an event is too old by now.
    """

    job: Job
    throttle: Throttle
    stop_signal: StopSignal
    ledger: Ledger
    tally: Tally
    retry_for: float
    sleep: Callable[[float], Awaitable[None]]
    chance: Callable[[], float] = random.random
    now: Callable[[], float] = time.monotonic
    redactor: Redactor | None = field(default=None, repr=False)
    log: DeliveryLog | None = field(default=None, repr=False)
    wire_log: WireLog | None = field(default=None, repr=False)
    clock: Callable[[], float] = time.time
    largest_answered: int = field(default=0)
    last_settled: float = field(default=float("-inf"))
    failing_since: float = field(default=float("-inf"))
    _redactor: Redactor = field(init=False, repr=False)
    _has_age_rules: bool = field(init=False)
    _user_pause: float = field(init=False)

    def __post_init__(self) -> None:
        self._redactor = self.redactor or Redactor(self.job.secrets())
        facts = self.job.destination.all_replay_facts()
        self._has_age_rules = any(one.has_age_rules for one in facts)
        self._user_pause = max((one.user.pause or 0.0 for one in facts if one.user), default=0.0)

    async def send(self, batch: Sequence[QueuedPayload], post: Post) -> None:
        """Settle every item, in order; returns early, with items unsettled, if the run stops."""
        todo = deque([batch])
        attempts = _Attempts()
        # All parts of the batch go to one route.
        route = batch[0].route
        while todo and (self.throttle.try_acquire(route) or await self.throttle.acquire(route)):
            batch = todo.popleft()
            if self._has_age_rules:
                batch = await self._without_expired(batch)
                if not batch:
                    self.throttle.release()
                    continue
            attempts.count += 1
            answer = await self._attempt(batch, post, attempts.count)
            if isinstance(answer.verdict, Delivered) and not todo:
                # Fast path for nearly every request: nothing has to be awaited.
                self._delivered(batch, attempts.count)
                return
            again = await self._apply_verdict(batch, answer, attempts.count)
            todo.extendleft(reversed(again))
            if todo:
                # The rest may hold another event of a user whose event has just been settled.
                await self.ledger.on_disk()
            if again and _must_wait(answer.verdict):
                attempts.closed_on, attempts.status = answer.closed_on, answer.status
                await self._wait(answer.verdict, again[0], attempts)
            elif todo:
                attempts = _Attempts()

    async def _attempt(self, batch: Sequence[QueuedPayload], post: Post, attempt: int) -> "_Answer":
        """Post once; the throttle is released when this returns."""
        if self.ledger.needs_before_send:
            await self.ledger.before_send([item.line for item in batch])
        bodies = [item.body for item in batch]
        request = request_for(batch[0], bodies, self.job)
        sent_at = self.now()
        self.tally.requests += 1
        self.tally.in_flight += 1
        sent = Sent(batch, request, self.tally.requests, attempt) if self.wire_log else None
        if self.wire_log and sent:
            self.wire_log.requested(sent)
        try:
            reply = await post(request)
        finally:
            self.tally.in_flight -= 1
            self.throttle.release()
        if self.wire_log and sent:
            self.wire_log.replied(sent, reply, self.now() - sent_at)
        size = len(request.body)
        if isinstance(reply, NoReply):
            return _Answer(_verdict_without(reply), None, size if reply.closed else 0)
        self.largest_answered = max(self.largest_answered, size)
        self.tally.latencies.add(self.now() - sent_at)
        self.tally.bytes_sent += size
        if reply.status in _OVERLOADED:
            self._overloaded(sent_at, reply.status)
        else:
            self.throttle.replied(sent_at, overloaded=False)
        reply = self._redacted(reply)
        verdict = self.job.destination.verdict(reply)
        verdict = of_batch(verdict, reply, bodies)
        return _Answer(verdict, reply.status, request=request, reply=reply)

    async def _without_expired(self, batch: Sequence[QueuedPayload]) -> Sequence[QueuedPayload]:
        """Settle the events that are too old by now; return the others."""
        rest, results = parted_by_expiry(
            batch, self.clock(), self.job.replay.older, self.ledger.is_of_several
        )
        for result in results:
            await self.ledger.settle(result)
        return rest

    def _overloaded(self, sent_at: float, status: int) -> None:
        """Tell the throttle that the vendor is overloaded; log it if that changes the limit."""
        before = int(self.throttle.window)
        self.throttle.replied(sent_at, overloaded=True)
        window = int(self.throttle.window)
        if window < before and self.log:
            self.log.narrowed(window, status)

    async def _apply_verdict(
        self, batch: Sequence[QueuedPayload], answer: "_Answer", attempts: int
    ) -> Sequence[Sequence[QueuedPayload]]:
        """Settle what the verdict settles; return what is still to be sent, as batches."""
        match answer.verdict:
            case Delivered():
                self._delivered(batch, attempts)
                return []
            case Refused(reason, splits=True) if len(batch) > 1:
                if self.log:
                    self.log.split(batch, reason, answer.status)
                return halves(batch)
            case Refused(reason):
                await self._refused(batch, reason, self._refusing(answer, attempts))
                return []
            case Partial():
                return await self._apply_partial(batch, answer.verdict, answer, attempts)
            case Retry():
                return [batch]
            case Stop(reason, setting):
                said = "answered" if answer.status else "gave no answer:"
                self.stop_signal.stop(
                    stopped_by(self.job, f"{said} {self._redact_text(reason)}", setting)
                )
                return [batch]

    async def _apply_partial(
        self, batch: Sequence[QueuedPayload], parts: Partial, answer: "_Answer", attempts: int
    ) -> Sequence[Sequence[QueuedPayload]]:
        known = parts.refused.keys() | parts.retry
        rest = [at for at in range(len(batch)) if at not in known]
        if parts.unnamed == "delivered":
            self._delivered([batch[at] for at in rest], attempts)
            rest = []
        if parts.refused:
            refusing = self._refusing(answer, attempts)
            for place, reason in sorted(parts.refused.items()):
                await self._refused([batch[place]], reason, refusing)
        places = sorted({*parts.retry, *rest} - parts.refused.keys())
        again = [batch[place] for place in places]
        return [again] if again else []

    def _delivered(self, batch: Sequence[QueuedPayload], attempts: int) -> None:
        if not batch:
            return
        self.last_settled = self.now()
        self.throttle.grow()
        self.ledger.delivered([item.line for item in batch])
        if self.log:
            self.log.delivered(batch, attempts)

    async def _refused(
        self, batch: Sequence[QueuedPayload], reason: str, refusing: "_Refusing"
    ) -> None:
        self.last_settled = self.now()
        self.throttle.grow()
        await self.ledger.settle(
            Result(
                [item.line for item in batch],
                "refused",
                self._redact_text(reason),
                refusing.status,
                refusing.attempts,
                refusal=refusing.describe([item.body for item in batch]),
            )
        )

    def _refusing(self, answer: "_Answer", attempts: int) -> "_Refusing":
        # Only a reply can refuse.
        assert answer.request
        assert answer.reply
        describe = refusals_of(answer.request, answer.reply, self._redactor)
        return _Refusing(answer.status, attempts, describe)

    async def _wait(
        self, verdict: Retry | Partial, batch: Sequence[QueuedPayload], attempts: "_Attempts"
    ) -> None:
        """Wait before the next attempt, or stop the run once `retry_for` is used up.

        `Retry-After: 0` does not end the backoff: the vendor must not be flooded with requests.
        Only what is left of `retry_for` makes the backoff shorter.
        """
        reason, retry_after = _reason_of(verdict), _retry_after(verdict.after)
        now = self.now()
        patience = self._patience(attempts, now)
        if patience <= 0 or retry_after > patience:
            stopped = self._exhausted(reason, retry_after, batch[0], patience=patience)
            size = attempts.closed_on
            if may_be_too_large(size, largest_answered=self.largest_answered):
                advise(stopped, self.job.destination, events=len(batch), size=size)
            self.stop_signal.stop(stopped)
            return
        self.tally.retries += 1
        code = f"http_{attempts.status}" if attempts.status else "no_reply"
        self.tally.retry_causes[code] += 1
        wait = max(retry_after, min(patience, backoff(attempts.count, self.chance())))
        if attempts.status == _TOO_MANY:
            # It is about the users of this batch; others go ahead.
            wait = max(wait, self._user_pause)
        if self.log:
            cause = {"reason": reason, "status": attempts.status, "attempt": attempts.count}
            self.log.retried(batch, {**cause, "seconds": wait, "retry_after": retry_after})
        if retry_after:
            self.throttle.pause(retry_after)
        self.tally.waiting = Wait(self._redact_text(reason), now + wait, code)
        await self.sleep(wait)

    def _patience(self, attempts: "_Attempts", now: float) -> float:
        """Return how many seconds of `retry_for` are left when a batch fails.

        They count from the first failure of any batch since the last result: a batch that has
        just begun to fail does not make the run last longer.
        """
        if self.failing_since <= self.last_settled:
            self.failing_since = now
        attempts.since = attempts.since or now
        since = max(min(attempts.since, self.failing_since), self.last_settled)
        return since + self.retry_for - now

    def _exhausted(
        self, reason: str, retry_after: float, item: QueuedPayload, *, patience: float
    ) -> Stopped:
        name, said = self.job.destination.name, self._redact_text(reason)
        if patience > 0 or retry_after > self.retry_for:
            return asked_too_long(name, said, retry_after=retry_after, retry_for=self.retry_for)
        return nothing_taken(name, said, line=item.line, retry_for=self.retry_for)

    def _redacted(self, reply: Reply) -> Reply:
        """Hide a key that the reply echoes, before an excerpt can cut the key into two parts."""
        if 200 <= reply.status < 300 and self.job.destination.verdict is by_status:
            # Fast path for nearly every reply: its body is never read.
            return reply
        body = self._redactor.redact_body(reply.body)
        return reply if body is reply.body else replace(reply, body=body)

    def _redact_text(self, text: str) -> str:
        return self._redactor.redact(text)


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """The verdict on a batch, and the HTTP status; None if there was no reply.

    closed_on: the bytes of the body on which the vendor closed the connection; 0 if it did not.
    request, reply: what was sent, and the reply to it, if there was one.
    """

    verdict: Verdict
    status: int | None
    closed_on: int = 0
    request: Request | None = None
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class _Refusing:
    """What all refusals of one answer share.

    status: the HTTP status.
    attempts: how many requests were sent.
    describe: returns what is known about the refusal of some payloads.
    """

    status: int | None
    attempts: int
    describe: Callable[[Sequence[bytes]], RefusalDetails]


@dataclass(slots=True)
class _Attempts:
    """The attempts to send a batch.

    count: how many were made.
    since: the time of the first failure; None before it.
    closed_on, status: those of the last answer.
    """

    count: int = 0
    since: float | None = None
    closed_on: int = 0
    status: int | None = None


def _verdict_without(reply: NoReply) -> Verdict:
    return Stop(reply.reason, reply.setting) if reply.final else Retry(reply.reason, reply.after)


def _must_wait(verdict: Verdict) -> TypeGuard[Retry | Partial]:
    """Return whether the next attempt must wait.

    Not after a refusal because of which others were not taken: without that event they may be.
    """
    if isinstance(verdict, Partial):
        return bool(verdict.retry - verdict.refused.keys()) or not verdict.refused
    return isinstance(verdict, Retry)


def _reason_of(verdict: Retry | Partial) -> str:
    if isinstance(verdict, Retry):
        return verdict.reason
    return "some events of the batch are to be tried again"


def _retry_after(after: float | None) -> float:
    """Return the seconds that the vendor asks to wait, capped; 0 for none or an invalid number."""
    # It may come from a plug-in. NaN is invalid too: no comparison with it is true.
    return min(after, _LONGEST_ASKED) if after is not None and after > 0 else 0.0
