"""What a run adds to its journal: the records of results and of inputs."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from segcli.core.line import Result
from segcli.inputs import Input
from segcli.inputs.compact_columns import NumberColumn
from segcli.journal.checkpoint import Checkpoint, input_name
from segcli.journal.columns import NameIndex
from segcli.journal.line_set import ranges


class RunRecords:
    """Makes the records of a run, for any kind of journal.

    past: the content of the journal, always up to date.
    inputs: the inputs that the run has to read, with their places in the journal.
    """

    def __init__(self, past: Checkpoint, inputs: Sequence[Input]) -> None:
        self.past = past
        self.inputs = inputs
        self._indexes = _by_place(inputs)
        self._last_file: tuple[int, tuple[str, str]] = (-1, ("", ""))
        self._actions = {name: number for number, name in past.actions.items()}

    def rows_of(self, settled: Result) -> list[tuple[int, ...]]:
        """Return the rows of lines of a result; its actions have been named before."""
        places: dict[tuple[int, str], list[int]] = {}
        for line in settled.lines:
            places.setdefault((line.place, line.action), []).append(line.number)
        return [
            (place, *line_range, *((self._actions[action],) if action else ()))
            for (place, action), numbers in places.items()
            for line_range in ranges(numbers)
        ]

    def new_actions(self, settled: Result) -> Iterator[Mapping[str, Any]]:
        """Yield a record for each action of a result that has no number yet."""
        for name in dict.fromkeys(line.action for line in settled.lines):
            if name and name not in self._actions:
                self._actions[name] = number = len(self._actions) + 1
                yield {"actions": [(number, name)]}

    def new_name(self, place: int) -> dict[str, Any]:
        """Return the field with an input's name and version; empty if already recorded."""
        file = self.name_and_version(place)
        is_new = bool(file[0]) and self.past.files.get(place) != file
        return {"files": [(place, *file)]} if is_new else {}

    def name_and_version(self, place: int) -> tuple[str, str]:
        """Return the name and version of an input; both are empty if the place has no input.

        The last one is cached: finding the full path takes longer than reading a block.
        """
        if self._last_file[0] != place:
            index = self._indexes[place]
            entry = self.inputs[index] if index >= 0 else None
            self._last_file = place, (input_name(entry), entry.version) if entry else ("", "")
        return self._last_file[1]


def failure_rows(settled: Result) -> list[tuple[int, int, Any]]:
    """Return a row for each line of a result of actions that were not delivered."""
    if not settled.failures:
        return []
    return [
        (line.place, line.number, msgspec.to_builtins(failure))
        for line, failure in zip(settled.lines, settled.failures, strict=True)
    ]


def open_lines_by_title(past: Checkpoint, inputs: Sequence[Input]) -> Callable[[str, int], bool]:
    """Return the function that says whether a line, by the title of its input, is not settled."""
    titles: NameIndex | None = None

    def is_open(file: str, line: int) -> bool:
        nonlocal titles
        titles = titles or NameIndex(len(inputs), lambda index: inputs[index].title)
        index = titles.find(file)
        return index is None or not past.is_settled(inputs[index].place, line)

    return is_open


def _by_place(inputs: Sequence[Input]) -> NumberColumn:
    """Return the index of each input by its place; -1 for a place without input."""
    indexes = NumberColumn()
    for index, entry in enumerate(inputs):
        indexes[entry.place] = index
    return indexes
