"""Begin a run with a shared journal: from the beginning, or where another attempt stopped."""

import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from segcli.errors import OutputError, UsageError
from segcli.journal.checkpoint import Checkpoint, Damaged, Header, encode
from segcli.journal.resume import DAMAGED_HINT, Start, inputs_to_read, start_from
from segcli.lines.chunks import Input
from segcli.shared_journal.log import Log, TakenOver
from segcli.shared_journal.log_state import Claim, LogState, object_numbers, read_state
from segcli.shared_journal.place import SharedPlace, check_conditional
from segcli.shared_journal.shared_journal import SharedJournal
from segcli.shared_journal.store import LogStore, StoreProblem

# Seconds after a put during which an attempt may send requests. Long enough that a put is hardly
# ever made for this alone; a take-over waits for so long.
LEASE = 5.0
_RUNNING_HINT = (
    "If it is lost, add --resume to continue the run here, or --restart to send everything again "
    "from the beginning. If it still runs, it is stopped then."
)


def begin_shared(
    place: SharedPlace, header: Header, inputs: Sequence[Input], start: Start, *, timeout: float
) -> SharedJournal:
    """Return the run's journal, taken over from any older attempt.

    All checks come before that, so a mistake stops no attempt that runs. `timeout` is that of a
    request, in seconds. Raises UsageError, InputError and OutputError.
    """
    with _problems(place):
        store = place.store()
        check_conditional(store)
        state = _state(store, start)
        past = _past(state, header, start)
        inputs_to_read(past, inputs, start)
        log = Log(store, state)
        settles_in = LEASE + timeout
        is_running = bool(state.open_claims)
        log.claim(_claim(settles_in), only_next=start is Start.FRESH)
        if is_running:
            past = _past_after_claim(log, header, start)
        _write_snapshot(log, past, start)
    older = [one.settles_in for one in log.state.open_claims[:-1]]
    waits = max([*older, settles_in] if state.is_unknown else older, default=0.0)
    to_read = inputs_to_read(past, inputs, Start.FRESH)
    return SharedJournal(log, past, to_read, lease=LEASE, waits=waits)


def shared_state(place: SharedPlace) -> LogState:
    """Return the content of a shared journal; changes nothing.

    Raises UsageError, InputError and OutputError.
    """
    with _problems(place):
        return read_state(place.store())


def _state(store: LogStore, start: Start) -> LogState:
    """Read the journal; one that is damaged only counts its objects, for --restart."""
    try:
        return read_state(store)
    except Damaged:
        if start is not Start.RESTART:
            raise
        return LogState(store.shown, last=object_numbers(store)[-1], is_unknown=True)


def _past(state: LogState, header: Header, start: Start) -> Checkpoint:
    """Return what the run begins with. Raises UsageError and InputError if it may not begin."""
    found = state.checkpoint
    if state.open_claims and not (found and found.is_worth_resuming):
        if start is Start.FRESH:
            raise _running(state.where, state.open_claims[-1])
        # The older attempt has not written anything, or only that it has begun.
        found = found or Checkpoint(header)
    return start_from(found, header, start, state.where)


def _past_after_claim(log: Log, header: Header, start: Start) -> Checkpoint:
    """Return what an older attempt has settled until the claim."""
    if start is Start.RESUME and log.state.is_finished:
        log.finish()
        return start_from(None, header, start, log.state.where)
    return _past(log.state, header, start)


def _write_snapshot(log: Log, past: Checkpoint, start: Start) -> None:
    if start is not Start.RESUME:
        # The forgotten run's rejects are where it kept them.
        log.state.kept = []
    log.snapshot(list(map(encode, log.state.snapshot(past))))
    log.remove_replaced()


def _claim(settles_in: float) -> Claim:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    return Claim(host=socket.gethostname(), process=os.getpid(), at=at, settles_in=settles_in)


def _running(where: str, claim: Claim | None) -> UsageError:
    who = f": {claim}" if claim else ""
    return UsageError(
        f"another attempt has the journal {where}, and has not ended{who}", _RUNNING_HINT
    )


@contextmanager
def _problems(place: SharedPlace) -> Iterator[None]:
    """Say of a damaged journal, and of one that cannot be written, what to type."""
    try:
        yield
    except TakenOver as taken:
        raise _running(str(place), taken.claim) from None
    except Damaged as damaged:
        raise UsageError(str(damaged), DAMAGED_HINT) from None
    except StoreProblem as problem:
        raise OutputError(
            f"the journal {place} cannot be used: {problem}",
            "Name another place: --journal PLACE",
        ) from None
    except ValueError as problem:
        raise UsageError(str(problem), "Name another place: --journal PLACE") from None
