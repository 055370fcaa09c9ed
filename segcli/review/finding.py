"""A finding: something about one line that somebody should look at."""

from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]
State = Literal["rejected", "warning", "uncovered", "changed", "added", "removed", "missing", "new"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Where, what, and how bad. `count` is how many lines it stands for, the first of them named.

    `changed`, `added` and `removed` are fields that differ from the golden file; a `missing`
    line is in the golden file only, a `new` one in the input only.
    """

    file: str
    line: int
    level: Level
    state: State
    field: str
    problem: str
    count: int = 1

    @property
    def text(self) -> str:
        """The finding without its place: `rejected: traits is not an object`."""
        others = self.count - 1
        more = f" (and {others:,} more line{'s' if others > 1 else ''})" if others else ""
        return f"{self.state}: {f'{self.field} {self.problem}'.strip()}{more}"
