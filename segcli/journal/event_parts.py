"""What is settled of events that several actions take, while some of their actions are open."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# The place of an input, and the number of a line in it.
LineKey = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SettledAction:
    """An action of an open event that an earlier run has settled.

    action: the name of the action.
    state: delivered, refused or rejected.
    failure: why it was not delivered, as a record has it; None if it was.
    """

    action: str
    state: str
    failure: Mapping[str, Any] | None


@dataclass(slots=True)
class EventParts:
    """The settled actions of lines that are not settled as a whole.

    states: the state of each action that is settled, by the number of the action.
    failures: why actions were not delivered, by their names.
    """

    states: dict[LineKey, dict[int, str]] = field(default_factory=dict)
    failures: dict[LineKey, dict[str, Mapping[str, Any]]] = field(default_factory=dict)

    def __len__(self) -> int:
        """The number of these lines."""
        return len(self.states)

    def add(self, key: LineKey, action: int, state: str) -> bool:
        """Add a settled action; return whether it is new."""
        states = self.states.setdefault(key, {})
        is_new = action not in states
        states[action] = state
        return is_new

    def add_failure(self, key: LineKey, failure: Mapping[str, Any]) -> None:
        """Add why an action was not delivered."""
        self.failures.setdefault(key, {})[failure["action"]] = failure

    def drop(self, place: int, first: int, last: int) -> None:
        """Forget lines that are settled as a whole."""
        if last - first < len(self.states):
            keys = [(place, number) for number in range(first, last + 1)]
        else:
            keys = [key for key in self.states if key[0] == place and first <= key[1] <= last]
        for key in keys:
            self.states.pop(key, None)
            self.failures.pop(key, None)

    def of(self, key: LineKey, actions: Mapping[int, str]) -> Sequence[SettledAction]:
        """Return the settled actions of a line; `actions` has the names by their numbers."""
        failures = self.failures.get(key, {})
        names = ((actions[number], state) for number, state in self.states.get(key, {}).items())
        return [SettledAction(name, state, failures.get(name)) for name, state in names]

    def rows(self) -> Iterator[tuple[int, int, int, int, str]]:
        """Yield the rows that restore the states."""
        for (place, line), states in self.states.items():
            yield from ((place, line, line, number, state) for number, state in states.items())

    def failure_rows(self) -> Iterator[tuple[int, int, Mapping[str, Any]]]:
        """Yield the rows that restore the failures."""
        for (place, line), failures in self.failures.items():
            yield from ((place, line, failure) for failure in failures.values())
