"""The sandbox of the page: what arrived, and sends of chosen events with chosen faults."""

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.series import Series, sampled
from segcli.accounting.tally import STATES_OF_SEND, Tally
from segcli.core.outcome import Job
from segcli.delivery.pipeline import SendRun, deliver
from segcli.delivery.shutdown import OutsideStop
from segcli.errors import SegcliError, Stopped, UsageError
from segcli.runs.run_result import RunResult
from segcli.sandbox import (
    ITEM,
    REQUEST_KINDS,
    STATUSES,
    USUAL_STATUSES,
    Exchange,
    SandboxServer,
    Script,
    parse_fault,
    running,
)
from segcli.ui.event_index import IndexedLine
from segcli.ui.exchange_log import ExchangeLog
from segcli.ui.given_lines import inputs_of, numbers_of
from segcli.ui.item_verdicts import ReadReply, judged
from segcli.ui.run_state import RunState

# What the page offers to be played.
FAULT_KINDS: Mapping[str, Sequence[object]] = {
    "request_faults": (*USUAL_STATUSES, *REQUEST_KINDS),
    "statuses": STATUSES,
    "item": ITEM,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SendWish:
    """What the page asks to be sent.

    lines: the events.
    make_job: returns the destination and its settings, for requests that go to the sandbox; raises
        UsageError, also if the vendor cannot play the faults of the sandbox.
    faults: the faults to play, as typed: `503:5%`.
    latency: seconds before each reply.
    concurrency: the most requests in flight.
    max_line: the most bytes of a line.
    """

    lines: Sequence[IndexedLine]
    make_job: Callable[[SandboxServer], Job]
    faults: Sequence[str]
    latency: float
    concurrency: int
    max_line: int


class SandboxPanel:
    """A sandbox, what arrived in it, and one send at a time.

    log: what arrived.
    server: the sandbox.
    """

    def __init__(
        self,
        run_state: RunState,
        stack: ExitStack,
        *,
        key: str,
        server: SandboxServer | None,
        reading_of: Callable[[str], ReadReply],
    ) -> None:
        """Start a sandbox of the page's own with this key, or watch the one of a rehearsal.

        `reading_of` returns how the destination of a vendor's name reads replies.
        """
        self.log = ExchangeLog()
        self.is_own = server is None
        self.server = server or stack.enter_context(running(Script(key=key)))
        self.server.app.watch = self._arrived
        self._reading_of = reading_of
        self._run_state = run_state
        self._key = key
        self._stop = OutsideStop()
        self._thread: threading.Thread | None = None
        stack.callback(self.stop)

    @property
    def is_sending(self) -> bool:
        """Whether a send is running."""
        return self._thread is not None and self._thread.is_alive()

    def send(self, wish: SendWish) -> None:
        """Send events into the sandbox, in a thread; raises UsageError."""
        if not self.is_own:
            raise UsageError("this sandbox belongs to the run that is shown")
        if self.is_sending:
            raise UsageError("a send is running already")
        try:
            faults = tuple(map(parse_fault, wish.faults))
            script = Script(key=self._key, faults=faults, latency=wish.latency)
        except ValueError as problem:
            raise UsageError(str(problem)) from None
        self.server.app.play(script)
        try:
            job = wish.make_job(self.server)
        except SegcliError:
            self.server.app.play(Script(key=self._key))
            raise
        result, run = self._prepared(wish, job)
        self._run_state.begin(result)
        self._thread = threading.Thread(
            target=self._deliver, args=(run, result), name="segcli-ui-send", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stop a send that is running, and wait for its end."""
        if self._thread and self._thread.is_alive():
            self._stop.stop(Stopped("stopped on the page"))
            self._thread.join()

    def _arrived(self, exchange: Exchange) -> None:
        self.log.add(exchange, judged(exchange, self._reading_of(exchange.vendor)))

    def _prepared(self, wish: SendWish, job: Job) -> tuple[RunResult, SendRun]:
        tally, self._stop = Tally(), OutsideStop()
        inputs = inputs_of(wish.lines, max_line=wish.max_line)
        result = RunResult(
            command="send",
            job=job,
            inputs=inputs,
            tally=tally,
            states=STATES_OF_SEND,
            sandbox=self.server.url,
            series=Series(tally),
            samples=RejectSamples(numbers=numbers_of(wish.lines)),
        )
        run = SendRun(
            job=job,
            inputs=inputs,
            rejects=Path(os.devnull),
            samples=result.samples,
            concurrency=wish.concurrency,
            max_line=wish.max_line,
            retry_for=60.0,
            outside=self._stop,
        )
        return result, run

    def _deliver(self, run: SendRun, result: RunResult) -> None:
        try:
            with sampled(result.series):
                deliver(run, result.tally)
        except SegcliError as error:
            result.stopped = error
        finally:
            result.stop_clock()
            self._run_state.end()
