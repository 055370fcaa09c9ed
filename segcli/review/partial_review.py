"""The review of some consecutive lines: a value that one process returns and another joins."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from segcli.core.decision import Decision
from segcli.core.line import TooLong
from segcli.plan.judge import PlanSeen
from segcli.review.notes import GroupNote, HashedLines, Key, Notebook, Notes, rejection_keys


class SampledPath(NamedTuple):
    """The dotted path of a field that a payload does not carry, and a value of it as JSON."""

    path: str
    sample: str


# A partial review may have hundreds. Dataclasses take twice the time to be sent to another process,
# and paths five times the time of numbers.
class ProbeResult(msgspec.Struct, frozen=True, gc=False):
    """The result of probing a shape.

    left_out: the numbers of the paths that do not affect the payload.
    cost: how many bytes were mapped for it.
    part: the number that shapes share if they differ only in fields that the destination does not
        read: one probe serves them all. None if the probe is for one shape only.
    new: the paths that this process has not found left out before, by their numbers.
    """

    left_out: "array[int]"
    cost: int
    part: int | None = None
    new: Mapping[int, SampledPath] = {}


@dataclass(slots=True)
class PartialReview:
    """The outcomes of some lines, and the findings on them; an index counts the lines from 0.

    lines: how many lines were read.
    skipped: how many were skipped.
    rejected: how many were rejected.
    passed_on: how many events became payloads unchanged.
    marked: how many payloads have a mark of old events.
    effects: what the replay of old events does, each with the first line.
    untried: how many events cannot be probed.
    mapped: the size of each payload in bytes, by the key of its request.
    shapes: how many other events are mapped, by the number of their shape.
    first_of_shape: the index of the first line of each shape.
    tried: the probe results of shapes that this process met for the first time.
    ids: the messageIds.
    lines_without_id: the lines without a messageId.
    notes: the findings.
    plan: what the events showed of the tracking plans.
    kept: the rejected lines to write to the rejects file: index, outcome, line.
    outcomes: the outcome of every line, if they are compared with a golden file.
    message_ids: the messageId of every line, if they are compared with a golden file.
    """

    lines: int = 0
    skipped: int = 0
    rejected: int = 0
    passed_on: int = 0
    marked: int = 0
    effects: dict[Key, GroupNote] = field(default_factory=dict)
    untried: int = 0
    mapped: dict[str, "array[int]"] = field(default_factory=dict)
    shapes: dict[int, int] = field(default_factory=dict)
    first_of_shape: dict[int, int] = field(default_factory=dict)
    tried: dict[int, ProbeResult] = field(default_factory=dict)
    ids: HashedLines = field(default_factory=HashedLines)
    lines_without_id: HashedLines = field(default_factory=HashedLines)
    notes: Notes = field(default_factory=Notes)
    kept: list[tuple[int, Decision, bytes | TooLong]] = field(default_factory=list)
    message_ids: list[str | None] = field(default_factory=list)
    outcomes: list[Decision] = field(default_factory=list)
    plan: PlanSeen = field(default_factory=PlanSeen)

    def sizes_of(self, request_key: str) -> "array[int]":
        """Return the sizes of the payloads that may share a request, to add further ones."""
        found = self.mapped.get(request_key)
        if found is None:
            found = self.mapped[request_key] = array("Q")
        return found


class Rejections:
    """Adds rejected lines to partial reviews.

    notebook: notes the findings.
    keeps: collect the lines, for the rejects file.
    notes: note the findings; a golden file may accept them, so it finds them itself.
    """

    def __init__(self, notebook: Notebook, *, keeps: bool, notes: bool = True) -> None:
        self._notebook = notebook
        self._keeps = keeps
        self._notes = notes

    def note(self, line: bytes | TooLong, outcome: Decision, seen: PartialReview) -> None:
        """Add the next line, which is rejected, at least for one action."""
        seen.rejected += 1
        if self._notes:
            for key in rejection_keys(outcome):
                self._notebook.note(key, seen.lines, seen.notes)
        if self._keeps:
            seen.kept.append((seen.lines, outcome, line))
