"""The golden file on disk: read for a comparison, or written again."""

import shlex
from codecs import BOM_UTF8
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from segcli.accounting.atomic_write import rewrite
from segcli.core.decision import Decision, payloads_of
from segcli.core.event import Event, Rejected
from segcli.core.exact_json import MAX_DEPTH, loads
from segcli.core.line import TooLong
from segcli.core.line_error import place_of
from segcli.core.merge_conflict import merge_conflict
from segcli.core.outcome import event_of, outcome_fields
from segcli.errors import InputError, OutputError
from segcli.review.codes import CODE_OF_STATE
from segcli.review.golden import FieldDifference, GoldenComparison, compact, is_outcome
from segcli.review.notes import Key, key_of, rejection_keys

LinePlace = tuple[str, int]
# What git adds to a file with a merge conflict.
_MARKS = (b"<<<<<<<", b"|||||||", b"=======", b">>>>>>>")
Found = tuple[Key, LinePlace]


class GoldenFile:
    """The golden file of a check; does nothing if `path` is None.

    With `update`, the outcomes replace the file, in its order; otherwise they are compared with
    it. `several`: there are several inputs, so the outcomes name their file. `ignored`: the paths
    of fields of payloads that are not compared. Raises InputError if the file cannot be read, is
    not a golden file, or is for one input while there are several.
    """

    def __init__(
        self, path: Path | None, *, update: bool, several: bool, ignored: Sequence[str] = ()
    ) -> None:
        self._path = path
        self._update = update
        self._several = several
        self._now: list[bytes] = []
        self._rejected: dict[int, Sequence[Key]] = {}
        self._seen = 0
        self._comparison = None
        if path:
            self._comparison = (
                _to_update(path, ignored) if update else _comparison(path, several, ignored)
            )

    def add(self, place: LinePlace, outcome: Decision, message_id: str | None) -> list[Found]:
        """Compare or remember the outcome of a line; return what is found already.

        A rejection is found by `close`, if the golden file does not have it.
        """
        if self._path is None:
            return []
        fields = outcome_fields(outcome)
        if self._update:
            self._now.append(compact(self._written(place, fields, message_id)))
        if self._comparison is None:
            return self._rejections(outcome, place)
        if not self._comparison.holds_outcomes:
            return self._payloads(outcome, place, message_id, self._comparison)
        is_remembered = self._comparison.add(*place, orjson.dumps(fields), message_id)
        if not is_remembered and not self._update:
            return [*self._rejections(outcome, place), (_key(self._comparison.new), place)]
        if keys := rejection_keys(outcome):
            self._rejected[self._seen] = keys
        self._seen += 1
        return []

    def close(self, file: str) -> Iterator[Found]:
        """Yield the differences, or write the file; raises OutputError if that fails."""
        if self._path and self._update:
            _write(self._path, b"".join(text + b"\n" for text in self._in_order()))
            return
        if not self._comparison:
            return
        pairs = self._comparison.pairs()
        for pair in sorted(pairs, key=lambda pair: (pair[1] is None, pair[1] or 0, pair[0] or 0)):
            place = self._comparison.place(pair, input_file=file, golden_file=str(self._path))
            if pair[1] in self._rejected and not self._comparison.is_equal(pair):
                yield from ((key, place) for key in self._rejected[pair[1]])
            for one in self._comparison.differences(pair):
                yield _key(one), place

    def _payloads(
        self,
        outcome: Decision,
        place: LinePlace,
        message_id: str | None,
        comparison: GoldenComparison,
    ) -> list[Found]:
        """Compare with a golden file that has payloads: a line may have several, or none."""
        found = self._rejections(outcome, place)
        for one in payloads_of(outcome):
            if not comparison.add(*place, one.body, message_id) and not self._update:
                found.append((_key(comparison.new), place))
        return found

    def _rejections(self, outcome: Decision, place: LinePlace) -> list[Found]:
        # The file that is written records the rejections, so these are accepted.
        return [] if self._update else [(key, place) for key in rejection_keys(outcome)]

    def _written(
        self, place: LinePlace, fields: Mapping[str, Any], message_id: str | None
    ) -> bytes:
        file = {"file": place[0]} if self._several else {}
        known = {} if message_id is None else {"messageId": message_id}
        return orjson.dumps({**file, "line": place[1], **known, **fields})

    def _in_order(self) -> Sequence[bytes]:
        """Return the lines to write in the order of the file; a new one follows the one before."""
        pairs = self._comparison.pairs() if self._comparison else ()
        old_of = {new: old for old, new in pairs if old is not None and new is not None}
        places: list[tuple[int, bool, int]] = []
        anchor = -1
        for at in range(len(self._now)):
            anchor = old_of.get(at, anchor)
            places.append((anchor, at not in old_of, at))
        return [self._now[at] for _, _, at in sorted(places)]


def message_id_of(line: bytes | TooLong) -> str | None:
    """Return the messageId of the event in a line, mapped or not; None if it has none."""
    event = event_of(line)
    if isinstance(event, Event):
        found = event.data.get("messageId")
    elif isinstance(event, Rejected) and isinstance(line, bytes):
        found = _id_in(line)
    else:
        return None
    return found if isinstance(found, str) and found else None


def _id_in(line: bytes) -> object:
    try:
        data = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return data.get("messageId") if isinstance(data, dict) else None


def _key(difference: FieldDifference) -> Key:
    return key_of(CODE_OF_STATE[difference.state], difference.path, difference.problem)


def _to_update(path: Path, ignored: Sequence[str]) -> GoldenComparison | None:
    """Return the comparison with a file that is replaced; None if it has no outcomes.

    Raises InputError for any other kind of file, which is not replaced.
    """
    if not _may_be_replaced(path):
        raise InputError(
            f"--expect {path} exists already, and --update replaces golden files with outcomes "
            "only: its first line has no `line` and `state`",
            "Name another file: --expect PATH. Or, if it holds payloads that `segcli transform` "
            f"printed, remove it first: {shlex.join(['rm', '--', str(path)])}",
        )
    try:
        comparison = _read(path, ignored)
    except InputError:
        return None
    return comparison if comparison.holds_outcomes else None


def _may_be_replaced(path: Path) -> bool:
    """Return whether a file is missing, empty, or begins with an outcome.

    Bare payloads look like events, or any other objects, so they are never replaced. The rest may
    be damaged, or have marks of a merge conflict.
    """
    try:
        with path.open("rb") as file:
            lines = (line.removeprefix(BOM_UTF8).strip() for line in file)
            first = next((line for line in lines if line and not line.startswith(_MARKS)), None)
    except OSError:
        return True  # writing it reports what is wrong
    try:
        return first is None or is_outcome(loads(first, levels=2 * MAX_DEPTH))
    except ValueError:
        return False


def _comparison(path: Path, several: bool, ignored: Sequence[str]) -> GoldenComparison:
    comparison = _read(path, ignored)
    if several and comparison.is_of_one_input:
        raise InputError(
            f"the golden file {path} is for one input, but there are several",
            "Use --update to write it again for all of them, or name only its own input.",
        )
    return comparison


def _read(path: Path, ignored: Sequence[str]) -> GoldenComparison:
    text = b""
    try:
        text = path.read_bytes().removeprefix(BOM_UTF8).rstrip(b"\n")
        return GoldenComparison(text.split(b"\n") if text else (), ignored)
    except FileNotFoundError:
        hint = "Use --update to create it from the current outcomes."
        raise InputError(f"the golden file {path} does not exist", hint) from None
    except OSError as error:
        raise InputError(f"the golden file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        if conflict := merge_conflict(text.decode(errors="replace")):
            hint = "Resolve it, or use --update to write the file again."
            raise InputError(
                f"the golden file {place_of(path, conflict)} {conflict}", hint
            ) from None
        raise InputError(
            f"the golden file {place_of(path, error)} {error}",
            "A golden file holds what `segcli transform --outcomes` or `segcli transform` prints. "
            "Name one, or use --update to write it again.",
        ) from None


def _write(path: Path, content: bytes) -> None:
    try:
        rewrite(path, [content])
    except OSError as error:
        raise OutputError(
            f"the golden file {path} cannot be written: {error.strerror}",
            "It is unchanged. Free some disk space, and make the file and its folder writable: a "
            "new file is written beside it and then replaces it.",
        ) from None
