"""What the command line gives the page: inputs, the way to a job, and the commands to copy."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

from segcli.core.destination import Destination
from segcli.core.outcome import Job
from segcli.core.redaction import MASK, Redactor
from segcli.core.secret import Secret
from segcli.core.settings import describe
from segcli.destination_source import DestinationSource
from segcli.inputs import Input
from segcli.sandbox import SandboxServer


class CommandOf(Protocol):
    """Returns the command that prints payloads."""

    def __call__(self, dest: str, where: str, *, is_piped: bool = False) -> str:
        """Return the command for a destination and a query in FQL."""
        ...


class MakeJob(Protocol):
    """Makes the job of a destination, with the settings that the user has given."""

    def __call__(
        self,
        source: DestinationSource,
        destination: Destination[Any],
        sandbox: SandboxServer | None = None,
    ) -> Job:
        """Return the job; with a sandbox, one that sends there.

        Raises UsageError, SettingsError and DestinationError.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What the page shows.

    inputs: the events.
    dest: the destination as it was typed.
    names: the destinations that can be chosen.
    make_job: makes the job of a destination.
    command: returns the command that prints the payloads for a destination and a query in FQL, of
      the inputs, or of what is piped in.
    redactor: hides the user's keys in every answer.
    sandbox_key: the key with which `make_job` sends into a sandbox.
    expect: the golden file; None for none.
    max_line: the most bytes of a line.
    max_unpacked: the most bytes of compressed and piped inputs that are unpacked.
    """

    inputs: Sequence[Input]
    dest: str
    names: Sequence[str]
    make_job: MakeJob
    command: CommandOf
    redactor: Redactor
    sandbox_key: str
    expect: Path | None
    max_line: int
    max_unpacked: int


def without_keys(job: Job) -> Job:
    """Return a job with `***` for every key, given or not: so no key can reach the page."""
    rows = describe(job.destination.name, job.destination.settings)
    keys = {row.name for row in rows if row.kind is Secret}
    names = [one.name for one in fields(job.settings) if one.name in keys]
    return replace(job, settings=replace(job.settings, **dict.fromkeys(names, Secret(MASK))))
