"""What differs between two JSON values, field by field."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from segcli.core.exact_json import dumps
from segcli.review.finding import State

# Of a long value so much is shown, and so much of it before the first difference.
_SHOWN, _BEFORE = 80, 20


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, or a line that is on one side only (then without a path)."""

    state: State
    path: str
    problem: str


def outcome_differences(golden: dict[str, Any], now: dict[str, Any]) -> Iterator[Difference]:
    """Yield what differs between two outcomes of a line; where they stand does not count.

    If the line is not in the same state any more, that is all there is to say.
    """
    if golden["state"] != now["state"]:
        reason = f": {now['reason']}" if "reason" in now else ""
        problem = f"{_change(golden['state'], now['state'])}{reason}"
        yield Difference("changed", "state", problem)
        return
    place = {"file": None, "line": None}
    yield from differences(golden | place, now | place)


def differences(golden: Any, now: Any, path: str = "") -> Iterator[Difference]:
    """Yield each field that differs between two JSON values, in the order of the fields."""
    old, new = _parts(golden, path), _parts(now, path)
    if old is None or new is None or type(golden) is not type(now):
        if dumps(golden) != dumps(now):
            yield Difference("changed", path, _change(golden, now))
        return
    for inner in old | new:
        if inner not in new:
            yield Difference("removed", inner, f"(was {_cut(_text(old[inner]))})")
        elif inner not in old:
            yield Difference("added", inner, f"(is {_cut(_text(new[inner]))})")
        else:
            yield from differences(old[inner], new[inner], inner)


def _parts(value: Any, path: str) -> dict[str, Any] | None:
    """Return what a container holds by its path; None for what is no container."""
    if isinstance(value, dict):
        return {f"{path}.{key}" if path else key: inner for key, inner in value.items()}
    if isinstance(value, list):
        return {f"{path}[{index}]": inner for index, inner in enumerate(value)}
    return None


def _change(golden: Any, now: Any) -> str:
    """Say what became of a value; long ones are shown from where they begin to differ."""
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
