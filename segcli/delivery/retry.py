"""Carrying a batch to its end: post it, judge the reply, wait and post again, or split it."""

import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from segcli.accounting.tally import Tally, Wait
from segcli.core.line import Result
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
from segcli.core.settings import how_to_set
from segcli.delivery.batch import QueuedPayload, halves
from segcli.delivery.ledger import Ledger
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle
from segcli.errors import Stopped
from segcli.http.client import NoReply, Post

_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
# Thirty years: longer than any run, and still a time that clocks can count to.
_LONGEST_ASKED = 1e9
_OVERLOADED = frozenset({429, 503})


def backoff(attempt: int, chance: float) -> float:
    """Return the seconds to wait after the given attempt (1, 2, …): full jitter.

    `chance` is a random number from 0 to 1; the longest wait doubles from 0.5 s up to 30 s.
    """
    return float(chance * min(_LONGEST_WAIT, _FIRST_WAIT * 2 ** min(attempt - 1, 10)))


@dataclass(slots=True, kw_only=True)
class BatchSender:
    """Carries batches until every item is settled or the run is stopping.

    `retry_for` seconds without any success stop the run: a vendor that is down takes nothing
    with it. All lanes share one courier. `sleep` is how a batch waits for its retry; it ends early
    once braked.
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
    last_success: float = field(default=float("-inf"))
    failing_since: float = field(default=float("-inf"))
    _redactor: Redactor = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._redactor = Redactor(self.job.secrets())

    async def send(self, batch: Sequence[QueuedPayload], post: Post) -> None:
        """Settle every item, in order; returns early, with items unsettled, once braked."""
        todo = deque([batch])
        trouble = _Trouble()
        while todo and (self.throttle.try_acquire() or await self.throttle.acquire()):
            trouble.attempts += 1
            batch = todo.popleft()
            answer = await self._attempt(batch, post)
            if isinstance(answer.verdict, Delivered) and not todo:
                # Nearly every request ends here: nothing of it has to be awaited.
                self._delivered(batch)
                return
            again = await self._apply_verdict(batch, answer, trouble.attempts)
            todo.extendleft(reversed(again))
            if todo:
                # Of a user whose event was answered, another may be in what is left.
                await self.ledger.on_disk()
            if again and isinstance(answer.verdict, Retry | Partial):
                await self._wait(answer.verdict, batch[0], trouble)
            elif todo:
                trouble = _Trouble()

    async def _attempt(self, batch: Sequence[QueuedPayload], post: Post) -> "_Answer":
        """Post once. The room in flight is free again when this returns."""
        if self.ledger.minds_leaving:
            await self.ledger.leaving([item.line for item in batch])
        bodies = [item.body for item in batch]
        route = batch[0].route
        request = self.job.destination.request(route, bodies, self.job.settings)
        sent_at = self.now()
        self.tally.requests += 1
        self.tally.in_flight += 1
        try:
            reply = await post(request)
        finally:
            self.tally.in_flight -= 1
            self.throttle.release()
        if isinstance(reply, NoReply):
            return _Answer(_verdict_without(reply), None)
        self.tally.latencies.add(self.now() - sent_at)
        self.tally.bytes_sent += len(request.body)
        self.throttle.replied(sent_at, overloaded=reply.status in _OVERLOADED)
        verdict = self.job.destination.verdict(self._redacted(reply))
        return _Answer(of_batch(verdict, reply, len(batch)), reply.status)

    async def _apply_verdict(
        self, batch: Sequence[QueuedPayload], answer: "_Answer", attempts: int
    ) -> Sequence[Sequence[QueuedPayload]]:
        """Settle what the verdict settles; return what is still to be carried, as batches."""
        match answer.verdict:
            case Delivered():
                self._delivered(batch)
                return []
            case Refused(splits=True) if len(batch) > 1:
                return halves(batch)
            case Refused(reason):
                await self._refused(batch, reason, answer.status, attempts)
                return []
            case Partial():
                return await self._conclude_parts(batch, answer.verdict, answer.status, attempts)
            case Retry():
                return [batch]
            case Stop(reason, setting):
                said = "answered" if answer.status else "gave no answer:"
                self.stop_signal.stop(self._stopped(f"{said} {reason}", setting))
                return [batch]

    async def _conclude_parts(
        self, batch: Sequence[QueuedPayload], parts: Partial, status: int | None, attempts: int
    ) -> Sequence[Sequence[QueuedPayload]]:
        known = parts.refused.keys() | parts.retry
        self._delivered([item for place, item in enumerate(batch) if place not in known])
        for place, reason in sorted(parts.refused.items()):
            await self._refused([batch[place]], reason, status, attempts)
        again = [batch[place] for place in sorted(parts.retry - parts.refused.keys())]
        return [again] if again else []

    def _delivered(self, batch: Sequence[QueuedPayload]) -> None:
        if not batch:
            return
        self.last_success = self.now()
        self.throttle.grow()
        self.ledger.delivered([item.line for item in batch])

    async def _refused(
        self, batch: Sequence[QueuedPayload], reason: str, status: int | None, attempts: int
    ) -> None:
        self.last_success = self.now()
        self.throttle.grow()
        lines = [item.line for item in batch]
        await self.ledger.settle(Result(lines, "refused", self._hide(reason), status, attempts))

    async def _wait(
        self, verdict: Retry | Partial, item: QueuedPayload, trouble: "_Trouble"
    ) -> None:
        """Wait before the next attempt, or stop the run when its patience is used up.

        The wait is never shorter than the backoff: a vendor that asks for none gets no storm.
        """
        reason, asked = _reason_of(verdict), _asked_wait(verdict.after)
        now = self.now()
        patience = self._patience(trouble, now)
        if patience <= 0 or asked > patience:
            self.stop_signal.stop(self._exhausted(reason, asked, item, patience=patience))
            return
        self.tally.retries += 1
        wait = max(asked, min(patience, backoff(trouble.attempts, self.chance())))
        if asked:
            self.throttle.pause(asked)
        self.tally.waiting = Wait(self._hide(reason), now + wait)
        await self.sleep(wait)

    def _patience(self, trouble: "_Trouble", now: float) -> float:
        """Return the seconds that are left of `retry_for`, at a failure of a batch.

        They count from the first failure of any batch since the last success: a batch that has
        just begun to fail does not make the run last longer.
        """
        if self.failing_since <= self.last_success:
            self.failing_since = now
        trouble.since = trouble.since or now
        since = max(min(trouble.since, self.failing_since), self.last_success)
        return since + self.retry_for - now

    def _stopped(self, reason: str, setting: str) -> Stopped:
        name = self.job.destination.name
        known = hasattr(self.job.settings, setting)
        hint = f"Check {setting}. {how_to_set(name, setting)}" if known else ""
        return Stopped(f"{name} {self._hide(reason)}", hint)

    def _exhausted(
        self, reason: str, asked: float, item: QueuedPayload, *, patience: float
    ) -> Stopped:
        name = self.job.destination.name
        where = f"{item.line.file}:{item.line.number}"
        if patience > 0 or asked > self.retry_for:
            left = "" if asked > self.retry_for else "what is left of "
            wait = f"{name} asks to wait {asked:.0f} s ({self._hide(reason)})"
            return Stopped(f"{wait}, longer than {left}--retry-for {self.retry_for:g} s", _LATER)
        return Stopped(
            f"{name} took nothing for {self.retry_for:g} s; the last answer, at {where}, was: "
            f"{self._hide(reason)}",
            _LATER,
        )

    def _redacted(self, reply: Reply) -> Reply:
        """Hide what the reply echoes of the key: an excerpt may end within it."""
        if 200 <= reply.status < 300 and self.job.destination.verdict is by_status:
            # Nearly every reply: nothing of its body is looked at.
            return reply
        body = self._redactor.redact_body(reply.body)
        return reply if body is reply.body else replace(reply, body=body)

    def _hide(self, text: str) -> str:
        return self._redactor.redact(text)


class _Answer(msgspec.Struct, frozen=True, gc=False):
    """What came back for a batch."""

    verdict: Verdict
    status: int | None


@dataclass(slots=True)
class _Trouble:
    """How often a batch was posted, and since when it has been failing."""

    attempts: int = 0
    since: float | None = None


_LATER = "Nothing was lost: what is unsent can be sent later."


def _verdict_without(reply: NoReply) -> Verdict:
    return Stop(reply.reason, "endpoint") if reply.final else Retry(reply.reason)


def _reason_of(verdict: Retry | Partial) -> str:
    if isinstance(verdict, Retry):
        return verdict.reason
    return "some events of the batch are to be tried again"


def _asked_wait(after: float | None) -> float:
    """Return the seconds that a vendor asks for, within reason; 0 for none, or for nonsense."""
    # A plug-in may read them from anywhere: no comparison holds for what is not a number.
    return min(after, _LONGEST_ASKED) if after is not None and after > 0 else 0.0
