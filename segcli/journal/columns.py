"""The journal's data for each input, in little memory: a run may have a hundred thousand inputs."""

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from segcli.inputs.compact_columns import NumberColumn, TextColumn
from segcli.journal.line_set import LineSet
from segcli.lines.fingerprint import Mark

_NONE = -1
_HALF = 8


@dataclass(frozen=True, slots=True)
class End:
    """Where an input ended.

    lines: the number of its lines.
    version: the version that was read.
    """

    lines: int
    version: str


class JournalFiles:
    """The name, the version and the end of each input, by place."""

    def __init__(self) -> None:
        self._folders: list[str] = []
        self._numbers: dict[str, int] = {}
        self._folder_of = NumberColumn()
        # The name within the folder, a zero byte, the version.
        self._names = TextColumn()
        self._lines = NumberColumn()
        # The version at the end, only for files that have another version now.
        self._end_versions: dict[int, str] = {}

    def __len__(self) -> int:
        """The number of places, including places without data."""
        return len(self._folder_of)

    def get(self, place: int) -> tuple[str, str]:
        """Return the name and the version; both are empty if nothing is known."""
        if self._folder_of[place] == _NONE:
            return "", ""
        name, _, version = self._names[place].rpartition("\0")
        return self._folders[self._folder_of[place]] + name, version

    def set(self, place: int, name: str, version: str) -> None:
        """Set the name and the version of an input."""
        known = self.get(place)[1]
        if known != version and place not in self._end_versions and self._lines[place] != _NONE:
            self._end_versions[place] = known
        path, slash, last = name.rpartition("/")
        folder = path + slash
        number = self._numbers.setdefault(folder, len(self._folders))
        if number == len(self._folders):
            self._folders.append(folder)
        self._folder_of[place] = number
        self._names[place] = f"{last}\0{version}"

    def items(self) -> Iterator[tuple[int, tuple[str, str]]]:
        """Yield each place that has data, with its name and version."""
        for place, folder in enumerate(self._folder_of):
            if folder != _NONE:
                yield place, self.get(place)

    def end(self, place: int) -> End | None:
        """Return where an input ended; None if unknown."""
        lines = self._lines[place]
        if lines == _NONE:
            return None
        return End(lines, self._end_versions.get(place, self.get(place)[1]))

    def set_end(self, place: int, end: End) -> None:
        """Set where an input ended."""
        self._lines[place] = end.lines
        self._end_versions.pop(place, None)
        if self.get(place)[1] != end.version:
            self._end_versions[place] = end.version

    def ends(self) -> Iterator[tuple[int, End]]:
        """Yield each place whose end is known, with its end."""
        for place in range(len(self._lines)):
            if end := self.end(place):
                yield place, end


class Marks(Mapping[int, Mark]):
    """How far each input was read, by place."""

    def __init__(self) -> None:
        # Bytes * 2, plus 1 if they end within a line.
        self._to = NumberColumn()
        # The two halves of each digest.
        self._first, self._second = (NumberColumn(is_large=True) for _ in range(2))
        # Marks whose digest does not have the usual length and form.
        self._others: dict[int, Mark] = {}

    def __len__(self) -> int:
        return sum(to != _NONE for to in self._to)

    def __iter__(self) -> Iterator[int]:
        return (place for place, to in enumerate(self._to) if to != _NONE)

    def __getitem__(self, place: int) -> Mark:
        to = self._to[place]
        if to == _NONE:
            raise KeyError(place)
        if place in self._others:
            return self._others[place]
        digest = b"".join(_as_bytes(half[place]) for half in (self._first, self._second))
        return Mark(to >> 1, digest.hex(), bool(to & 1))

    def __setitem__(self, place: int, mark: Mark) -> None:
        self._to[place] = mark.to << 1 | mark.is_open
        self._others.pop(place, None)
        digest = _digest(mark.digest)
        if digest is None:
            self._others[place] = mark
            return
        self._first[place], self._second[place] = map(_as_number, (digest[:_HALF], digest[_HALF:]))


class SettledLines(Mapping[int, LineSet]):
    """The settled lines of each input, by place."""

    def __init__(self) -> None:
        # The low watermark of each input. Inputs with settled lines above it are in `_sparse`.
        self._low = NumberColumn()
        self._sparse: dict[int, LineSet] = {}

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[int]:
        return (place for place, low in enumerate(self._low) if low > 0 or place in self._sparse)

    def __getitem__(self, place: int) -> LineSet:
        if place in self._sparse:
            return self._sparse[place]
        low = self._low_of(place)
        if not low:
            raise KeyError(place)
        lines = LineSet()
        lines.low = low
        return lines

    def add(self, place: int, first: int, last: int) -> int:
        """Add the lines from first to last, both included; return how many were new."""
        lines = self._sparse.get(place)
        if lines is None:
            lines = LineSet()
            lines.low = self._low_of(place)
        new = lines.add(first, last)
        # Keep this order: another thread reads, and must find a settled line in one of the two.
        self._low[place] = lines.low
        if lines.beyond:
            self._sparse[place] = lines
        else:
            self._sparse.pop(place, None)
        return new

    def holds(self, place: int, number: int) -> bool:
        """True if a line is settled."""
        lines = self._sparse.get(place)
        if lines is not None and number in lines:
            return True
        return number <= self._low_of(place)

    def are_all_to(self, place: int, number: int) -> bool:
        """True if every line up to this number is settled, and at least one is."""
        return 0 < self._low_of(place) >= number

    def _low_of(self, place: int) -> int:
        return max(self._low[place], 0)


class NameIndex:
    """Finds the number of a text. A dict of the same texts needs ten times the memory."""

    def __init__(self, count: int, text_of: Callable[[int], str]) -> None:
        """Index the texts numbered 0 to `count` - 1. Equal texts get the number of the first."""
        self._text_of = text_of
        self._mask = (1 << (2 * count).bit_length()) - 1
        self._numbers = array("i", [_NONE]) * (self._mask + 1)
        for number in range(count):
            at, known = self._slot(text_of(number))
            if known is None:
                self._numbers[at] = number

    def find(self, text: str) -> int | None:
        """Return the number of a text; None if it is not in the index."""
        return self._slot(text)[1]

    def _slot(self, text: str) -> tuple[int, int | None]:
        at = hash(text) & self._mask
        while (number := self._numbers[at]) != _NONE:
            if self._text_of(number) == text:
                return at, number
            at = (at + 1) & self._mask
        return at, None


def _digest(text: str) -> bytes | None:
    """Return a digest as bytes; None if the bytes would not give the same text again."""
    try:
        content = bytes.fromhex(text)
    except ValueError:
        return None
    return content if len(content) == 2 * _HALF and content.hex() == text else None


def _as_number(half: bytes) -> int:
    return int.from_bytes(half, "big", signed=True)


def _as_bytes(half: int) -> bytes:
    return half.to_bytes(_HALF, "big", signed=True)
