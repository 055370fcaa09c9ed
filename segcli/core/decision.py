"""What is decided about a line: mapped, for one action or several, skipped or rejected."""

from collections.abc import Container, Sequence

import msgspec

from segcli.core.destination import Unmapped
from segcli.core.event import Rejected
from segcli.core.line import ActionFailure, Line, Result
from segcli.core.replay_age import Replayed
from segcli.core.request_layout import request_key


class Mapped(msgspec.Struct, frozen=True, gc=False):
    """An encoded payload.

    route: the route to post it to.
    body: the JSON document.
    user: the user, whose events are delivered in order.
    notes, mapped_by, action, request_values: those of the `Payload`.
    replayed: what the age of the event means; None if the vendor has no rules for it.
    """

    route: str
    body: bytes
    user: str
    notes: tuple[str, ...] = ()
    mapped_by: str = ""
    action: str = ""
    request_values: str = ""
    replayed: Replayed | None = None

    @property
    def request_key(self) -> str:
        """The key of its request: payloads share a request only if their keys are equal."""
        return request_key(self.route, self.request_values)


class SkippedAction(msgspec.Struct, frozen=True):
    """An action that does not get an event because of its age, with the reason."""

    action: str
    reason: str


class FanOut(msgspec.Struct, frozen=True):
    """What becomes of an event that several actions take.

    requests: what it becomes for each action, in the order in which they are sent.
    left_out: the actions that do not get it.
    """

    requests: tuple[Mapped | Unmapped, ...]
    left_out: tuple[SkippedAction, ...] = ()

    @property
    def mapped(self) -> tuple[Mapped, ...]:
        """The payloads of the actions that can map it."""
        return tuple(one for one in self.requests if isinstance(one, Mapped))

    @property
    def unmapped(self) -> tuple[Unmapped, ...]:
        """The actions that cannot map it. The line is rejected if there is one."""
        return tuple(one for one in self.requests if isinstance(one, Unmapped))

    @property
    def notes(self) -> tuple[str, ...]:
        """The notes of all payloads, and of actions that are left out, each once."""
        return self.notes_apart_from(())

    def notes_apart_from(self, settled: Container[str]) -> tuple[str, ...]:
        """Return the notes, but not on actions that are left out and settled already."""
        of_payloads = (note for one in self.mapped for note in one.notes)
        left_out = (left_out_note(one.reason) for one in self.left_out if one.action not in settled)
        return tuple(dict.fromkeys([*of_payloads, *left_out]))


class Skipped(msgspec.Struct, frozen=True):
    """The event is not for this destination, or an option leaves it out."""

    reason: str


Decision = Mapped | FanOut | Skipped | Rejected


def left_out_note(reason: str) -> str:
    """Return what the summary counts of an action that is left out for a reason."""
    return f"one action: {reason}"


def payloads_of(outcome: Decision) -> Sequence[Mapped]:
    """Return the payloads of an outcome, in the order in which they are sent."""
    match outcome:
        case Mapped():
            return (outcome,)
        case FanOut():
            return outcome.mapped
        case Skipped() | Rejected():
            return ()


def rejections_of(outcome: Decision) -> Sequence[Rejected]:
    """Return why a line is rejected, for each action that cannot map it; empty if it is not."""
    match outcome:
        case Rejected():
            return (outcome,)
        case FanOut():
            return [one.rejected for one in outcome.unmapped]
        case Mapped() | Skipped():
            return ()


def rejection(line: Line, outcome: Decision) -> Result:
    """Return the result of a line with an outcome that has `rejections_of`."""
    if isinstance(outcome, FanOut):
        failures = [_failure(one) for one in outcome.unmapped]
        return Result([line], "rejected", failures[0].reason, failures=failures)
    assert isinstance(outcome, Rejected)
    line = msgspec.structs.replace(line, action=outcome.action)
    return Result([line], "rejected", str(outcome), code=outcome.code)


def _failure(unmapped: Unmapped) -> ActionFailure:
    rejected = unmapped.rejected
    return ActionFailure(unmapped.action, "rejected", str(rejected), code=rejected.code)
