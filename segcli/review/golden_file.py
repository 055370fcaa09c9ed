"""The golden file on disk: read for a comparison, or written again."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

import orjson

from segcli.accounting.atomic_write import rewrite
from segcli.core.outcome import Mapped, Outcome, outcome_fields
from segcli.errors import InputError, OutputError
from segcli.review.findings import Finding
from segcli.review.golden import GoldenComparison

LinePlace = tuple[str, int]


class GoldenFile:
    """The golden file of a check; does nothing if `path` is None.

    With `update`, the outcomes replace the file; otherwise they are compared with it. `several`:
    there are several inputs, so the outcomes name their file. Raises InputError if the file cannot
    be read, is not a golden file, or is for one input while there are several.
    """

    def __init__(self, path: Path | None, *, update: bool, several: bool) -> None:
        self._path = path
        self._update = update
        self._several = several
        self._now: list[bytes] = []
        self._comparison = None if path is None or update else _comparison(path, several)

    def see(self, place: LinePlace, outcome: Outcome) -> None:
        """Compare or remember the outcome of a line."""
        if self._path is None:
            return
        where = {"file": place[0], "line": place[1]} if self._several else {"line": place[1]}
        text = orjson.dumps(where | outcome_fields(outcome))
        if self._update:
            self._now.append(text)
        if self._comparison:
            payload = outcome.body if isinstance(outcome, Mapped) else None
            self._comparison.see(place, text, payload)

    def close(self, file: str) -> Iterator[Finding]:
        """Yield the differences, or write the file; raises OutputError if that fails."""
        if self._comparison:
            yield from self._comparison.findings(input_file=file, golden_file=str(self._path))
        if self._path and self._update:
            _write(self._path, b"".join(text + b"\n" for text in self._now))


def _comparison(path: Path, several: bool) -> GoldenComparison:
    comparison = _read(path)
    if several and comparison.is_of_one_input:
        raise InputError(
            f"the golden file {path} is for one input, but there are several",
            "Use --update to write it again for all of them, or name only its own input.",
        )
    return comparison


def _read(path: Path) -> GoldenComparison:
    try:
        text = path.read_bytes().removeprefix(BOM_UTF8).rstrip(b"\n")
        return GoldenComparison(text.split(b"\n") if text else ())
    except FileNotFoundError:
        hint = "Use --update to create it from the current outcomes."
        raise InputError(f"the golden file {path} does not exist", hint) from None
    except OSError as error:
        raise InputError(f"the golden file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(
            f"{path} is not a golden file: {error}",
            "A golden file holds what `segcli transform --outcomes` or `segcli transform` prints.",
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
