"""The content of a tracking plan's file: rules, and mistakes."""

from dataclasses import dataclass
from typing import Any, Literal

Part = Literal["", "properties", "traits"]
# The field of an event that a plan describes, by call type.
PART_OF: dict[str, Part] = {
    "track": "properties",
    "page": "properties",
    "screen": "properties",
    "identify": "traits",
    "group": "traits",
}
# The most characters of a field's path in a message.
LONGEST_FIELD = 200
# A file may be anything. More mistakes than this are of no use.
_MOST_MISTAKES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule of a plan for some events.

    type: the call type; empty for a common rule, which is for every event.
    name: the name of the event, page or screen; empty for all calls of the type.
    version: an event selects one of several versions by `context.protocols.event_version`.
    part: the field of the event that the schema describes; empty for the whole event.
    schema: JSON Schema, draft-07.
    pointer: the JSON pointer of the schema in the file; in a CSV it begins with the event's name.
    """

    type: str
    name: str
    version: int
    part: Part
    schema: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a plan.

    pointer: where it is: a JSON pointer, or the column of a CSV.
    problem: what is wrong, as the end of a sentence.
    line: the line of the file; 0 if it is to be found by the pointer.
    is_harmless: True if the rules are complete without it.
    """

    pointer: str
    problem: str
    line: int = 0
    is_harmless: bool = False


class PlanDraft:
    """The rules and mistakes found in a file so far; `lines` has known lines by pointer."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.lines: dict[str, int] = {}
        self.mistakes: list[Mistake] = []
        self._known: set[tuple[str, str, int]] = set()

    def add(self, rule: Rule, line: int = 0) -> None:
        """Add a rule; a second rule for the same event and version is a mistake."""
        key = (rule.type, rule.name, rule.version)
        if key in self._known:
            label = label_of(rule.type, rule.name)
            problem = f"plans {label} a second time in version {rule.version}"
            self.note(Mistake(rule.pointer, problem, line))
            return
        self._known.add(key)
        self.rules.append(rule)

    def note(self, mistake: Mistake) -> None:
        """Add a mistake, unless there are too many."""
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(mistake)


def label_of(call: str, name: str) -> str:
    """Return what a rule is for, as messages show it: a name in quotes, or the call type."""
    if call == "track":
        return f'"{cut(name)}"'
    return f'{call} "{cut(name)}"' if name else call or "every event"


def cut(text: str, longest: int = 120) -> str:
    """Return a text from outside, cut to a length that a message may have."""
    return text if len(text) <= longest else f"{text[:longest]}…"
