"""The golden file on disk: read to be compared with, or written anew."""

from codecs import BOM_UTF8
from collections.abc import Iterator
from pathlib import Path

import orjson

from segcli.accounting.atomic_write import rewrite
from segcli.core.outcome import Mapped, Outcome, outcome_fields
from segcli.errors import InputError, OutputError
from segcli.review.golden import GoldenComparison
from segcli.review.review import Finding

LinePlace = tuple[str, int]


class GoldenFile:
    """What the outcomes are held against, if anything; with `update` it becomes what they are.

    `several`: the outcomes name their file, as there are several. Raises InputError where the
    file cannot be read, is none, or is of one input where there are several.
    """

    def __init__(self, path: Path | None, *, update: bool, several: bool) -> None:
        self._path = path
        self._update = update
        self._several = several
        self._now: list[bytes] = []
        self._comparison = None if path is None or update else _comparison(path, several)

    def see(self, place: LinePlace, outcome: Outcome) -> None:
        """Take in what became of a line."""
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
        """Yield the differences, or write the file; raises OutputError where it cannot be."""
        if self._comparison:
            yield from self._comparison.findings(input_file=file, golden_file=str(self._path))
        if self._path and self._update:
            _write(self._path, b"".join(text + b"\n" for text in self._now))


def _comparison(path: Path, several: bool) -> GoldenComparison:
    comparison = _read(path)
    if several and comparison.is_of_one_input:
        raise InputError(
            f"the golden file {path} is of one input, and there are several",
            "Type --update to write it anew for all of them, or name only the one that it is of.",
        )
    return comparison


def _read(path: Path) -> GoldenComparison:
    try:
        text = path.read_bytes().removeprefix(BOM_UTF8).rstrip(b"\n")
        return GoldenComparison(text.split(b"\n") if text else ())
    except FileNotFoundError:
        hint = "Type --update to make it from what the events become now."
        raise InputError(f"the golden file {path} does not exist", hint) from None
    except OSError as error:
        raise InputError(f"the golden file {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise InputError(
            f"the golden file {path} is none: {error}",
            "It holds what `segcli transform --outcomes`, or `segcli transform`, prints.",
        ) from None


def _write(path: Path, content: bytes) -> None:
    try:
        rewrite(path, [content])
    except OSError as error:
        raise OutputError(
            f"the golden file {path} cannot be written: {error.strerror}",
            "It is as it was. Make room, and let it and its folder be writable: a new one beside "
            "it takes its place.",
        ) from None
