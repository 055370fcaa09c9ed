"""The events that several actions take, until all of their requests are settled."""

from collections.abc import Iterator, Sequence

import msgspec

from segcli.core.line import ActionFailure, Line, RefusalDetails, Result, SettledState
from segcli.journal.event_parts import SettledAction

_LineKey = tuple[int, int]


class OpenEvent:
    """An event of which at least one request is open.

    line: the line, without an action.
    actions: the names of its actions, in their order.
    open: those that are not settled.
    failures: why actions did not deliver it, by their names.
    """

    __slots__ = ("actions", "failures", "line", "open")

    def __init__(self, line: Line, actions: Sequence[str]) -> None:
        self.line = line
        self.actions = actions
        self.open = set(actions)
        self.failures: dict[str, ActionFailure] = {}

    def settle(self, action: str, failure: ActionFailure | None) -> None:
        """Note that an action is settled, and why it did not deliver the event if it did not."""
        self.open.discard(action)
        if failure:
            self.failures[action] = failure

    def result(self) -> Result:
        """Return the result of the line, once no action is open."""
        failures = [self.failures[name] for name in self.actions if name in self.failures]
        if not failures:
            return Result([self.line], "delivered")
        first = next((one for one in failures if one.state == "refused"), failures[0])
        return Result(
            [self.line],
            first.state,
            first.reason,
            first.status,
            first.attempts,
            first.code,
            first.refusal,
            failures,
            # A rejected action sends nothing; the others have delivered.
            is_answered=first.state == "rejected" and len(failures) < len(self.actions),
        )


class OpenEvents:
    """The events of a run that several actions take, from when they are mapped until they end."""

    def __init__(self) -> None:
        self._events: dict[_LineKey, OpenEvent] = {}

    def __bool__(self) -> bool:
        return bool(self._events)

    def holds(self, line: Line) -> bool:
        """Return whether a line is an event of which requests are open."""
        return (line.place, line.number) in self._events

    def add(
        self, line: Line, actions: Sequence[str], earlier: Sequence[SettledAction]
    ) -> OpenEvent:
        """Add an event; `earlier` is what earlier runs have settled of it.

        It may be too old by now for an action that is settled: what became of that counts.
        """
        settled = [one.action for one in earlier if one.action not in actions]
        event = OpenEvent(line, [*settled, *actions])
        for one in earlier:
            failure = msgspec.convert(one.failure, ActionFailure) if one.failure else None
            event.settle(one.action, failure)
        self._events[line.place, line.number] = event
        return event

    def parts_of(self, settled: Result) -> tuple[Result | None, Result | None]:
        """Split a result into that of whole lines, and that of actions of open events.

        Either is None if it has no lines.
        """
        whole, parts, failures = [], [], []
        for index, line in enumerate(settled.lines):
            if (line.place, line.number) not in self._events:
                whole.append(line)
                continue
            parts.append(line)
            if settled.state != "delivered":
                failures.append(_failure(settled, index))
        if not parts:
            return settled, None
        return (
            msgspec.structs.replace(settled, lines=whole) if whole else None,
            Result(parts, settled.state, failures=failures),
        )

    def settle(self, parts: Result) -> Iterator[Result]:
        """Settle actions of open events; yield the results of the lines that end with them."""
        delivered: list[Line] = []
        for index, part in enumerate(parts.lines):
            event = self._events[part.place, part.number]
            event.settle(part.action, parts.failures[index] if parts.failures else None)
            if event.open:
                continue
            del self._events[part.place, part.number]
            result = event.result()
            if result.state == "delivered":
                delivered.append(event.line)
            else:
                yield result
        if delivered:
            yield Result(delivered, "delivered")

    def end(self, line: Line) -> Result:
        """Return the result of an event of which no action is open, and forget it."""
        return self._events.pop((line.place, line.number)).result()


def _failure(settled: Result, index: int) -> ActionFailure:
    """Return why the action of the line at this index of a result did not deliver it."""
    state: SettledState = settled.state
    assert state in ("refused", "rejected")
    refusal = settled.refusal
    return ActionFailure(
        settled.lines[index].action,
        state,
        settled.reason,
        settled.status,
        settled.attempts,
        settled.code,
        _of_one(refusal, index) if refusal else None,
    )


def _of_one(refusal: RefusalDetails, index: int) -> RefusalDetails:
    return msgspec.structs.replace(refusal, payloads=[refusal.payloads[index]])
