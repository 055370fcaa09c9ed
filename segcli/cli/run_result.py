"""A run that is over: what the summary, the report and the exit code are made from."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from segcli.accounting.tally import STATES_OF_TRANSFORM, State, Tally
from segcli.core.outcome import Job
from segcli.errors import Exit, SegcliError
from segcli.lines.chunks import Input


@dataclass(slots=True, kw_only=True)
class RunResult:
    """A run that is over, or nearly; times are wall-clock and monotonic seconds.

    `left_out` are inputs that did not have to be read, and `remarks` what the first look has shown
    of the others. `before` is what earlier runs settled, if this one went on where they stopped.
    """

    command: str
    job: Job
    inputs: Sequence[Input]
    tally: Tally
    states: Sequence[State] = STATES_OF_TRANSFORM
    left_out: Sequence[Input] = ()
    rejects: Path | None = None
    remarks: Sequence[str] = ()
    sandbox: str = ""
    stopped: SegcliError | None = None
    before: Mapping[State, int] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    _clock: float = field(default_factory=time.monotonic)
    seconds: float = 0.0

    def stop_clock(self) -> None:
        """Note how long the run took."""
        self.seconds = time.monotonic() - self._clock

    @property
    def exit_code(self) -> int:
        """The exit code of the command."""
        if self.stopped:
            return self.stopped.exit_code
        return Exit.INCOMPLETE if _not_taken(self.over_all_runs()) else Exit.DONE

    def over_all_runs(self) -> dict[State, int]:
        """Return the ledger of this run and of those before it."""
        ledger = self.tally.ledger(self.states)
        return {state: lines + self.before.get(state, 0) for state, lines in ledger.items()}

    @property
    def kept(self) -> Path | None:
        """The rejects file, if this run has written to it, or one that it went on with has."""
        if self.rejects is None or not _not_taken(self.over_all_runs()):
            return None
        is_there = _not_taken(self.tally.ledger(self.states)) or self.rejects.exists()
        return self.rejects if is_there else None


def _not_taken(ledger: Mapping[State, int]) -> int:
    return ledger.get("refused", 0) + ledger.get("rejected", 0)
