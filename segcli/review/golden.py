"""Compares outcomes with those of a golden file, field by field."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from segcli.core.exact_json import MAX_DEPTH, dumps, loads
from segcli.core.line_error import LineError
from segcli.core.payload_path import without
from segcli.review.alignment import Pair, aligned
from segcli.review.codes import FindingState

# How many characters of a long value are shown, and how many of them before the first difference.
_SHOWN, _BEFORE = 80, 20


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field that differs, or a line that is on one side only.

    state: what differs, as in `Finding`.
    path: the path of the field; empty for a whole line.
    problem: the difference in words.
    """

    state: FindingState
    path: str
    problem: str


def is_outcome(value: object) -> bool:
    """Return whether a line of a golden file is the outcome of an input line."""
    return isinstance(value, dict) and _place(value) is not None


def compact(text: bytes) -> bytes:
    """Return a copy that takes no more memory than it is long: what orjson writes takes 4 KB."""
    return bytes(memoryview(text))


def outcome_differences(golden: dict[str, Any], now: dict[str, Any]) -> Iterator[FieldDifference]:
    """Yield what differs between two outcomes of a line, which are without their place.

    If the states differ, that is the only difference.
    """
    if golden["state"] != now["state"]:
        reason = f": {now['reason']}" if "reason" in now else ""
        problem = f"{_change(golden['state'], now['state'])}{reason}"
        yield FieldDifference("changed", "state", problem)
        return
    yield from differences(golden, now)


def differences(golden: Any, now: Any, path: str = "") -> Iterator[FieldDifference]:
    """Yield each field that differs between two JSON values, in the order of the fields."""
    old, new = _parts(golden, path), _parts(now, path)
    if old is None or new is None or type(golden) is not type(now):
        if dumps(golden) != dumps(now):
            yield FieldDifference("changed", path, _change(golden, now))
        return
    for inner in old | new:
        if inner not in new:
            yield FieldDifference("removed", inner, f"(was {_cut(_text(old[inner]))})")
        elif inner not in old:
            yield FieldDifference("added", inner, f"(is {_cut(_text(new[inner]))})")
        else:
            yield from differences(old[inner], new[inner], inner)


def _parts(value: Any, path: str) -> dict[str, Any] | None:
    """Return the values of a container by their paths; None for any other value."""
    if isinstance(value, dict):
        return {f"{path}.{key}" if path else key: inner for key, inner in value.items()}
    if isinstance(value, list):
        return {f"{path}[{index}]": inner for index, inner in enumerate(value)}
    return None


def _change(golden: Any, now: Any) -> str:
    """Return `from X to Y`; long values are shown from shortly before they differ."""
    old, new = _text(golden), _text(now)
    same = 0
    if max(len(old), len(new)) > _SHOWN:
        pairs = enumerate(zip(old, new, strict=False))
        same = next((at for at, (one, other) in pairs if one != other), min(len(old), len(new)))
    return f"from {_cut(old, same)} to {_cut(new, same)}"


def _cut(text: str, same: int = 0) -> str:
    start = max(0, same - _BEFORE)
    end = start + _SHOWN
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


def _text(value: Any) -> str:
    return dumps(value).decode()


_STATES = ("mapped", "rejected", "skipped")
# A mapping may nest a value more deeply than the event does.
_LEVELS = 2 * MAX_DEPTH
# An input with many more lines than the golden file must not fill the memory.
_LINES_MORE = 100_000

_NEW_LINE = FieldDifference("new", "", "line that is not in the golden file")
_NEW_PAYLOAD = FieldDifference("new", "", "payload that is not in the golden file")
_GONE_LINE = FieldDifference("missing", "", "line of the golden file that no longer exists")
_GONE_PAYLOAD = FieldDifference("missing", "", "payload of the golden file that no longer exists")


class _Line(NamedTuple):
    """A line of a golden file, or the outcome of an input line.

    file: the input; empty if it is not named
    line: the number of the input's line; that of the golden file for a bare payload
    text: the outcome without its place and id, or the payload
    message_id: the event's messageId; None if it has none
    """

    file: str
    line: int
    text: bytes
    message_id: str | None = None


class GoldenComparison:
    """Finds the line of a golden file for each line of the input, and says what differs.

    `golden` are the lines of the golden file. They are either outcomes, one for each line of the
    input, or bare payloads. An empty file counts as one of payloads, with none. Outcomes are
    matched by their messageId if at least half of the ids of each side are on both; then events
    whose ids are on one side only are matched if their outcomes are equal. Everything else is
    aligned as a diff does it. The fields of payloads at the paths in `ignored` are not compared.
    Raises LineError for a line that is no JSON object, that mixes both kinds, or that repeats an
    input line.
    """

    def __init__(self, golden: Iterable[bytes], ignored: Sequence[str] = ()) -> None:
        self._ignored = [path.split(".") for path in ignored]
        self._golden: list[_Line] = []
        self._now: list[_Line] = []
        self._places: set[tuple[str, int]] = set()
        self._texts: dict[bytes, bytes] = {}
        self.holds_outcomes = False
        for number, text in enumerate(golden, 1):
            self._take(number, text)
        self.is_of_one_input = self.holds_outcomes and any(not one.file for one in self._golden)

    def add(self, file: str, line: int, outcome: bytes, message_id: str | None) -> bool:
        """Remember the outcome of the next line, or its payload if the golden file has payloads.

        Returns False if there are too many to remember: then the line is a new one.
        """
        if len(self._now) >= 2 * len(self._golden) + _LINES_MORE:
            return False
        text = compact(dumps(self._compared(_loads(outcome))))
        # Most lines are those of the golden file, so they take no memory.
        self._now.append(_Line(file, line, self._texts.get(text, text), message_id))
        return True

    @property
    def new(self) -> FieldDifference:
        """What a line is that the golden file does not have."""
        return _NEW_LINE if self.holds_outcomes else _NEW_PAYLOAD

    def pairs(self) -> list[Pair]:
        """Return the index in the golden file and among the seen lines of each pair.

        None stands for a line that is on one side only.
        """
        by_id = self._pairs_by_id()
        if by_id is None:
            return self._aligned_by_file()
        pairs: list[Pair] = [*by_id, *self._equal_pairs(*self._left(by_id))]
        left, left_now = self._left(pairs)
        nameless = [at for at in left if self._golden[at].message_id is None]
        nameless_now = [at for at in left_now if self._now[at].message_id is None]
        return [
            *pairs,
            *self._aligned(nameless, nameless_now),
            *((at, None) for at in left if self._golden[at].message_id is not None),
            *((None, at) for at in left_now if self._now[at].message_id is not None),
        ]

    def differences(self, pair: Pair) -> Iterator[FieldDifference]:
        """Yield what differs between the lines of a pair."""
        old, new = pair
        if old is None:
            yield self.new
        elif new is None:
            yield _GONE_LINE if self.holds_outcomes else _GONE_PAYLOAD
        elif self._golden[old].text != self._now[new].text:
            compare = outcome_differences if self.holds_outcomes else differences
            yield from compare(_loads(self._golden[old].text), _loads(self._now[new].text))

    def is_equal(self, pair: Pair) -> bool:
        """Return whether both lines of a pair are there and have the same outcome."""
        old, new = pair
        if old is None or new is None or not self.holds_outcomes:
            return False
        return self._golden[old].text == self._now[new].text

    def place(self, pair: Pair, *, input_file: str, golden_file: str) -> tuple[str, int]:
        """Return the file and line of a pair.

        A missing line is named by its place in the input, a missing payload by its line in the
        golden file.
        """
        old, new = pair
        if new is not None:
            return self._now[new][:2]
        file, line = self._golden[old or 0][:2]
        return (file or input_file if self.holds_outcomes else golden_file), line

    def _take(self, number: int, text: bytes) -> None:
        value = _golden_line(number, text)
        place = _place(value)
        if self._golden and self.holds_outcomes != (place is not None):
            raise LineError("mixes payloads and outcomes", number)
        if place in self._places:
            raise LineError("is for the same input line as an earlier one", number)
        if place is None:
            found = _Line("", number, compact(dumps(self._compared(value))))
        else:
            self._places.add(place)
            self.holds_outcomes = True
            message_id = value.get("messageId")
            rest = {key: inner for key, inner in value.items() if key not in _OF_PLACE}
            known = message_id if isinstance(message_id, str) else None
            found = _Line(*place, compact(dumps(self._compared(rest))), known)
        self._golden.append(found)
        self._texts[found.text] = found.text

    def _compared(self, value: dict[str, Any]) -> dict[str, Any]:
        """Return an outcome, or a bare payload, without the fields that are not compared."""
        start = ["payload"] if self.holds_outcomes else []
        for path in self._ignored:
            value = without(value, [*start, *path])
        return value

    def _pairs_by_id(self) -> list[tuple[int, int]] | None:
        """Return the pairs with the same messageId; None if the sides have too few in common."""
        old, new = _by_id(self._golden), _by_id(self._now)
        shared = len(old.keys() & new.keys())
        if not shared or 2 * shared < max(len(old), len(new)):
            return None
        return [
            pair
            for message_id, places in new.items()
            for pair in zip(old.get(message_id, ()), places, strict=False)
        ]

    def _left(self, pairs: Iterable[Pair]) -> tuple[list[int], list[int]]:
        """Return the indexes of the lines on each side that are in none of the pairs."""
        pairs = list(pairs)
        taken, taken_now = {one for one, _ in pairs}, {other for _, other in pairs}
        left = [at for at in range(len(self._golden)) if at not in taken]
        return left, [at for at in range(len(self._now)) if at not in taken_now]

    def _equal_pairs(self, old: Iterable[int], new: Iterable[int]) -> Iterator[tuple[int, int]]:
        """Yield the pairs of events with the same outcome, whose ids are new on both sides."""
        by_text: dict[bytes, list[int]] = {}
        for at in old:
            if self._golden[at].message_id is not None:
                by_text.setdefault(self._golden[at].text, []).append(at)
        equal = {text: iter(places) for text, places in by_text.items()}
        for at in new:
            if self._now[at].message_id is not None:
                found = next(equal.get(self._now[at].text, iter(())), None)
                if found is not None:
                    yield found, at

    def _aligned_by_file(self) -> list[Pair]:
        """Return the pairs of each file that both sides name, and those of all others."""
        shared = {one.file for one in self._golden} & {one.file for one in self._now}
        old, new = _by_file(self._golden, shared), _by_file(self._now, shared)
        files = dict.fromkeys([*new, *old])
        return [
            pair for file in files for pair in self._aligned(old.get(file, []), new.get(file, []))
        ]

    def _aligned(self, old: Sequence[int], new: Sequence[int]) -> Iterator[Pair]:
        texts = [self._golden[at].text for at in old]
        texts_now = [self._now[at].text for at in new]
        for one, other in aligned(texts, texts_now, levels=_LEVELS):
            yield None if one is None else old[one], None if other is None else new[other]


_OF_PLACE = frozenset({"file", "line", "messageId"})


def _by_id(lines: Sequence[_Line]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for at, one in enumerate(lines):
        if one.message_id is not None:
            found.setdefault(one.message_id, []).append(at)
    return found


def _by_file(lines: Sequence[_Line], shared: Collection[str]) -> dict[str, list[int]]:
    """Return the indexes of the lines by file; those of files that are not shared are together."""
    found: dict[str, list[int]] = {}
    for at, one in enumerate(lines):
        found.setdefault(one.file if one.file in shared else "", []).append(at)
    return found


def _golden_line(number: int, text: bytes) -> dict[str, Any]:
    try:
        value = _loads(text)
    except ValueError as error:
        raise LineError(f"is {error}", number) from None
    if not isinstance(value, dict):
        raise LineError("is not an object", number)
    return value


def _place(value: dict[str, Any]) -> tuple[str, int] | None:
    """Return the (file, line) of an outcome; None for a bare payload."""
    file, line = value.get("file", ""), value.get("line")
    if value.get("state") in _STATES and isinstance(file, str) and isinstance(line, int):
        return file, line
    return None


def _loads(text: bytes) -> Any:
    return loads(text, levels=_LEVELS, replaces_surrogates=True)
