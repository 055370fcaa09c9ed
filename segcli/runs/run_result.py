"""The result of a run, from which the summary, the report and the exit code are made."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segcli.accounting.held_rejects import HeldRejects
from segcli.accounting.reject_samples import RejectSamples
from segcli.accounting.series import Series
from segcli.accounting.tally import STATES_OF_TRANSFORM, State, Tally
from segcli.core.outcome import Job
from segcli.errors import Exit, SegcliError
from segcli.lines.chunks import Input


@dataclass(slots=True, kw_only=True)
class RunResult:
    """The result of a run.

    command: the name of the command
    job: the destination, its settings and the selection
    inputs: the inputs that were read
    tally: how many lines went where
    states: the states that the summary shows
    left_out: inputs that did not have to be read
    rejects: the rejects file
    rejects_from: from which byte of it the records of this run, and of those that it resumed,
      begin; before it are those of earlier runs. None if those may be among them
    held: the rejects in memory, if there is no file
    remarks: what the first look found in the inputs
    sandbox: the URL of the sandbox; empty if there was none
    ending: yields what the summary of a run that was not stopped ends with
    describe_unsent: says of the lines that are unsent where they were, and what sends them
    stopped: the error that stopped the run
    before: the lines that earlier runs settled, by state, if this run resumed one
    before_by_action: the events that earlier runs settled, by action and state
    is_default: the destination is the default, because none was given
    series: the course of the run; None if it is not recorded
    samples: a few rejected and refused lines; None if they are not recorded
    started: when the run started, in seconds since 1970
    seconds: how long it took, once `stop_clock` was called
    """

    command: str
    job: Job
    inputs: Sequence[Input]
    tally: Tally
    states: Sequence[State] = STATES_OF_TRANSFORM
    left_out: Sequence[Input] = ()
    rejects: Path | None = None
    rejects_from: int | None = 0
    held: HeldRejects | None = None
    remarks: Sequence[str] = ()
    sandbox: str = ""
    ending: Callable[[], Iterable[str]] = tuple
    describe_unsent: Callable[[], str] = str
    stopped: SegcliError | None = None
    before: Mapping[State, int] = field(default_factory=dict)
    before_by_action: Mapping[tuple[str, State], int] = field(default_factory=dict)
    is_default: bool = False
    series: Series | None = None
    samples: RejectSamples | None = None
    started: float = field(default_factory=time.time)
    _clock: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def stop_clock(self) -> None:
        """Set `seconds` to how long the run took."""
        self.seconds = time.monotonic() - self._clock

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        if self.stopped:
            return self.stopped.exit_code
        return Exit.INCOMPLETE if _not_taken(self.over_all_runs()) else Exit.DONE

    def over_all_runs(self) -> dict[State, int]:
        """Return the lines by state of this run and of the runs that it resumed."""
        ledger = self.tally.ledger(self.states)
        return {state: lines + self.before.get(state, 0) for state, lines in ledger.items()}

    @property
    def actions(self) -> Sequence[str]:
        """The names of the destination's actions, in their order; empty if it has only one."""
        names = [action.name for action in self.job.destination.actions]
        return names if len(names) > 1 else ()

    def by_action(self, action: str, *, over_all_runs: bool = False) -> dict[State, int]:
        """Return the events that an action took, by state."""
        before = self.before_by_action if over_all_runs else {}
        return {
            state: self.tally.actions[action, state] + before.get((action, state), 0)
            for state in self.states
            if state != "skipped"
        }

    @property
    def kept(self) -> Path | None:
        """The rejects file, if this run or one that it resumed has written to it."""
        if self.rejects is None or not _not_taken(self.over_all_runs()):
            return None
        is_written = _not_taken(self.tally.ledger(self.states)) or os.path.exists(self.rejects)
        return self.rejects if is_written else None


def _not_taken(ledger: Mapping[State, int]) -> int:
    return ledger.get("refused", 0) + ledger.get("rejected", 0)
