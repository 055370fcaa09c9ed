"""Compares outcomes with those of a golden file, field by field."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.core.exact_json import MAX_DEPTH, dumps, loads
from segcli.review.codes import CODE_OF_STATE, FindingState
from segcli.review.findings import Finding

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


def outcome_differences(golden: dict[str, Any], now: dict[str, Any]) -> Iterator[FieldDifference]:
    """Yield what differs between two outcomes of a line, apart from their file and line.

    If the states differ, that is the only difference.
    """
    if golden["state"] != now["state"]:
        reason = f": {now['reason']}" if "reason" in now else ""
        problem = f"{_change(golden['state'], now['state'])}{reason}"
        yield FieldDifference("changed", "state", problem)
        return
    place = {"file": None, "line": None}
    yield from differences(golden | place, now | place)


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

_NEW_LINE = FieldDifference("new", "", "line that is not in the golden file")
_NEW_PAYLOAD = FieldDifference("new", "", "payload that is not in the golden file")
_GONE_LINE = FieldDifference("missing", "", "line of the golden file that no longer exists")
_GONE_PAYLOAD = FieldDifference("missing", "", "payload of the golden file that no longer exists")


class GoldenComparison:
    """Compares each line's outcome with the golden one; equal differences become one finding.

    `golden` are the lines of the golden file. They are either objects as `transform --outcomes`
    prints them, which are found by their line (and file), or bare payloads, which are compared in
    order. A file without lines has no payloads. Raises ValueError for any other line.
    """

    def __init__(self, golden: Iterable[bytes]) -> None:
        self._by_line: dict[tuple[str, int], bytes] = {}
        self._payloads: list[bytes] = []
        self._next = 0
        self._found: dict[FieldDifference, list[tuple[str, int]]] = {}
        for number, text in enumerate(golden, 1):
            self._take(number, text)
        self._holds_outcomes = bool(self._by_line)
        self.is_of_one_input = any(not file for file, _ in self._by_line)

    def see(self, place: tuple[str, int], outcome: bytes, payload: bytes | None) -> None:
        """Compare the outcome of the line at (file, number) with the golden one.

        `outcome` is the object as `transform --outcomes` prints it. If the outcomes of the golden
        file name no file (`is_of_one_input`), all lines must be of one input.
        """
        if not self._holds_outcomes:
            self._see_payload(place, payload)
            return
        golden = self._by_line.pop(place, None) or self._by_line.pop(("", place[1]), None)
        if golden is None:
            self._note(_NEW_LINE, place)
        elif golden != outcome:
            self._note_all(outcome_differences(_loads(golden), _loads(outcome)), place)

    def findings(self, *, input_file: str, golden_file: str) -> Iterator[Finding]:
        """Yield the differences; call it after the last line.

        A missing line is named by its place in the input, a missing payload by its line in the
        golden file.
        """
        for file, line in self._by_line:
            self._note(_GONE_LINE, (file or input_file, line))
        for number in range(self._next, len(self._payloads)):
            self._note(_GONE_PAYLOAD, (golden_file, number + 1))
        for difference, places in self._found.items():
            file, line = places[0]
            yield Finding(
                file=file,
                line=line,
                level="error",
                code=CODE_OF_STATE[difference.state],
                field=difference.path,
                problem=difference.problem,
                count=len(places),
            )

    def _take(self, number: int, text: bytes) -> None:
        place = _place(_golden_line(number, text))
        if place is None:
            self._payloads.append(text)
        elif place in self._by_line:
            raise ValueError(f"line {number} is for the same input line as an earlier one")
        else:
            self._by_line[place] = text
        if self._payloads and self._by_line:
            raise ValueError(f"line {number} mixes payloads and outcomes")

    def _see_payload(self, place: tuple[str, int], payload: bytes | None) -> None:
        if payload is None:
            return
        if self._next >= len(self._payloads):
            self._note(_NEW_PAYLOAD, place)
            return
        golden = self._payloads[self._next]
        self._next += 1
        if golden != payload:
            self._note_all(differences(_loads(golden), _loads(payload)), place)

    def _note_all(self, found: Iterable[FieldDifference], place: tuple[str, int]) -> None:
        for difference in found:
            self._note(difference, place)

    def _note(self, difference: FieldDifference, place: tuple[str, int]) -> None:
        self._found.setdefault(difference, []).append(place)


def _golden_line(number: int, text: bytes) -> dict[str, Any]:
    try:
        value = _loads(text)
    except ValueError as error:
        raise ValueError(f"line {number} is {error}") from None
    if not isinstance(value, dict):
        raise ValueError(f"line {number} is not an object")  # noqa: TRY004  # of bad content
    return value


def _place(value: dict[str, Any]) -> tuple[str, int] | None:
    """Return the (file, line) of an outcome; None for a bare payload."""
    file, line = value.get("file", ""), value.get("line")
    if value.get("state") in _STATES and isinstance(file, str) and isinstance(line, int):
        return file, line
    return None


def _loads(text: bytes) -> Any:
    return loads(text, levels=_LEVELS, mends_halves=True)
