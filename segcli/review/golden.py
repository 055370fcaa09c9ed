"""The golden file: what an input became when somebody last looked, and what differs now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from segcli.exact_json import dumps, loads
from segcli.review.finding import Finding, State

_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, or a line that is on one side only (then without a path)."""

    state: State
    path: str
    problem: str


class Comparison:
    """Holds each line's outcome against the golden file's; equal differences become one finding.

    `golden` are the lines of the file: objects as `transform --outcomes` prints them, found by
    their line (and file), or bare payloads, taken in order. Raises ValueError for other lines.
    """

    def __init__(self, golden: Iterable[bytes]) -> None:
        self._by_line: dict[tuple[str, int], bytes] = {}
        self._payloads: list[bytes] = []
        self._next = 0
        self._found: dict[Difference, list[tuple[str, int]]] = {}
        for number, text in enumerate(golden, 1):
            self._take(number, text)

    def see(self, place: tuple[str, int], outcome: bytes, payload: bytes | None) -> None:
        """Hold the outcome of the line at (file, number) against the golden one.

        `outcome` is the object as `transform --outcomes` prints it.
        """
        if self._payloads:
            self._see_payload(place, payload)
            return
        golden = self._by_line.pop(place, None) or self._by_line.pop(("", place[1]), None)
        if golden is None:
            self._note(Difference("new", "", "line that is not in the golden file"), place)
        else:
            self._compare(golden, outcome, place)

    def findings(self, file: str) -> Iterator[Finding]:
        """Yield what differs, once all lines were seen; `file` is named for lines that are gone."""
        for name, line in self._by_line:
            self._note(_GONE, (name or file, line))
        for number in range(self._next, len(self._payloads)):
            self._note(_GONE, (file, number + 1))
        for difference, places in self._found.items():
            name, line = places[0]
            yield Finding(
                file=name,
                line=line,
                level="error",
                state=difference.state,
                field=difference.path,
                problem=difference.problem,
                count=len(places),
            )

    def _take(self, number: int, text: bytes) -> None:
        value = loads(text)
        if not isinstance(value, dict):
            raise ValueError(f"line {number} is not an object")  # noqa: TRY004  # of bad content
        if "state" in value and "line" in value:
            self._by_line[value.get("file", ""), value["line"]] = text
        else:
            self._payloads.append(text)

    def _see_payload(self, place: tuple[str, int], payload: bytes | None) -> None:
        if payload is None:
            return
        if self._next >= len(self._payloads):
            self._note(Difference("new", "", "payload that is not in the golden file"), place)
            return
        self._compare(self._payloads[self._next], payload, place)
        self._next += 1

    def _compare(self, golden: bytes, now: bytes, place: tuple[str, int]) -> None:
        if golden == now:
            return
        for difference in differences(loads(golden), loads(now)):
            self._note(difference, place)

    def _note(self, difference: Difference, place: tuple[str, int]) -> None:
        self._found.setdefault(difference, []).append(place)


def differences(golden: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Yield each field that differs between two JSON values, in the order of the fields."""
    if isinstance(golden, dict) and isinstance(now, dict):
        for key in golden | now:
            inner = f"{path}.{key}" if path else key
            if key not in now:
                yield Difference("removed", inner, f"(was {_shown(golden[key])})")
            elif key not in golden:
                yield Difference("added", inner, f"(is {_shown(now[key])})")
            else:
                yield from differences(golden[key], now[key], inner)
    elif _text(golden) != _text(now):
        yield Difference("changed", path, f"from {_shown(golden)} to {_shown(now)}")


_GONE = Difference("missing", "", "line of the golden file that is not there any more")


def _text(value: Any) -> bytes:
    return dumps(value)


def _shown(value: Any) -> str:
    text = _text(value).decode()
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
