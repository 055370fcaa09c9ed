"""What a file of a tracking plan says: rules, and the mistakes in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Part = Literal["", "properties", "traits"]
# The field of an event that holds what a plan plans, by call type.
PART_OF: dict[str, Part] = {
    "track": "properties",
    "page": "properties",
    "screen": "properties",
    "identify": "traits",
    "group": "traits",
}
# A file may be anything: so many mistakes say enough.
_MOST_MISTAKES = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What a plan asks of some events.

    type: the call type; empty for a common rule, which is for every event.
    name: the name of the event, page or screen; empty for all calls of the type.
    version: of several rules for one event the events choose by `context.protocols.event_version`.
    part: the field of the event that the schema describes; empty for the whole event.
    schema: JSON Schema, draft-07.
    pointer: where the schema stands in the file, as a JSON pointer; in a CSV it begins with the
        event's name.
    """

    type: str
    name: str
    version: int
    part: Part
    schema: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something in a plan that cannot be meant.

    pointer: where it stands: a JSON pointer, or the column of a CSV.
    problem: what is wrong, as the end of a sentence.
    line: the line of the file; 0 where it is found by the pointer.
    is_harmless: the rules are complete without it.
    """

    pointer: str
    problem: str
    line: int = 0
    is_harmless: bool = False


class PlanDraft:
    """Rules and mistakes, as they are found in a file; `lines` holds known lines by pointer."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.lines: dict[str, int] = {}
        self.mistakes: list[Mistake] = []
        self._known: set[tuple[str, str, int]] = set()

    def add(self, rule: Rule, line: int = 0) -> None:
        """Take in a rule; the same event may be planned once in each version."""
        key = (rule.type, rule.name, rule.version)
        if key in self._known:
            problem = f"plans {label_of(rule.type, rule.name)} once more in version {rule.version}"
            self.note(Mistake(rule.pointer, problem, line))
            return
        self._known.add(key)
        self.rules.append(rule)

    def note(self, mistake: Mistake) -> None:
        """Take in a mistake, unless there are too many."""
        if len(self.mistakes) < _MOST_MISTAKES:
            self.mistakes.append(mistake)


def label_of(call: str, name: str) -> str:
    """Return what a rule is for, as messages say it: a name in quotes, or the call type."""
    if call == "track":
        return f'"{cut(name)}"'
    return f'{call} "{cut(name)}"' if name else call or "every event"


def cut(text: str, longest: int = 120) -> str:
    """Return a text that others wrote, no longer than a message may be."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def pointer_of(base: str, path: Sequence[str | int]) -> str:
    """Return the JSON pointer of what stands at a path below another one."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "".join([base, *(f"/{part}" for part in parts)])
