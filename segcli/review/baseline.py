"""The baseline: a file of findings that a check accepts, so that only new ones fail it.

An entry is a code, a field and a problem, with the number of such findings. It names no file and
no line, so it stays valid when lines are added or removed.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from segcli.accounting.atomic_write import rewrite
from segcli.core.line_error import LineError, place_of
from segcli.core.merge_conflict import merge_conflict
from segcli.errors import InputError, OutputError
from segcli.inputs.small_file import read_named
from segcli.plan.pointers import lines_at
from segcli.plan.rule import cut
from segcli.review.codes import CODES
from segcli.review.findings import BaselineResult, Findings
from segcli.review.notes import Key, key_of

_VERSION = 1
_MAX_BYTES = 64 * 1024 * 1024
_START = '{"baseline_version"'
_OTHER = "Use --update-baseline with another file to write one."
_RESOLVE = "Resolve it, or use --update-baseline to write the file again."


def read_baseline(path: Path) -> dict[Key, int]:
    """Return the number of findings of each group that a baseline accepts.

    Raises InputError if the file cannot be read, or is not a baseline.
    """
    if not os.path.exists(path):
        hint = "Use --update-baseline to create it from the current findings."
        raise InputError(f"the baseline {path} does not exist", hint)
    return _known(path, _text_of(path))


def read_replaced(path: Path) -> dict[Key, int]:
    """Return what `read_baseline` does for a file that is written again; it may be missing.

    Nothing is known from an empty file, or from a baseline with a merge conflict. Raises
    InputError for any other file that is not a baseline, so that no such file is replaced.
    """
    text = _text_of(path) if os.path.exists(path) else ""
    return {} if not text.strip() or _is_unmerged(text) else _known(path, text)


def write_baseline(path: Path, findings: Findings) -> BaselineResult:
    """Write a baseline that accepts all findings, and accept them.

    Raises OutputError if it cannot be written, or if there are too many groups to hold.
    """
    if not findings.are_whole:
        raise OutputError(
            f"the baseline {path} is not written: there are too many different findings",
            "Leave some out with --ignore, or check fewer events.",
        )
    counts = findings.counts()
    try:
        rewrite(path, [_document(counts).encode()])
    except OSError as error:
        raise OutputError(f"the baseline {path} cannot be written: {error.strerror}") from None
    accepted = findings.accept(counts).accepted
    return BaselineResult(accepted=accepted, gone=0, written=True)


def _text_of(path: Path) -> str:
    try:
        return read_named(path, max_bytes=_MAX_BYTES)
    except ValueError as error:
        raise _not_baseline(path, error, _OTHER) from None


def _is_unmerged(text: str) -> bool:
    """Return whether this is a baseline with a merge conflict."""
    return _START in text and bool(merge_conflict(text))


def _known(path: Path, text: str) -> dict[Key, int]:
    known: dict[Key, int] = {}
    try:
        for key, count in _entries(text):
            known[key] = known.get(key, 0) + count
    except ValueError as error:
        hint = _RESOLVE if _is_unmerged(text) else _OTHER
        raise _not_baseline(path, error, hint) from None
    return known


def _not_baseline(path: Path, error: ValueError, hint: str) -> InputError:
    return InputError(f"--baseline {place_of(path, error)} {error}", hint)


def _document(counts: Mapping[Key, int]) -> str:
    """Return the text of a baseline: an entry a line, in an order that merges well."""
    entries = ",\n".join(
        json.dumps({**key._asdict(), "count": count}) for key, count in sorted(counts.items())
    )
    return f'{_START}: {_VERSION}, "findings": [\n{entries}\n]}}\n'


def _entries(text: str) -> Iterator[tuple[Key, int]]:
    """Yield the entries of a baseline; raises ValueError if it is none."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise merge_conflict(text) or LineError("is not JSON", error.lineno) from None
    except RecursionError:
        raise ValueError("is not JSON: nested too deep") from None
    if not isinstance(document, dict) or not isinstance(document.get("findings"), list):
        raise ValueError("is not a baseline of segcli")  # noqa: TRY004  # of bad content
    if document.get("baseline_version") != _VERSION:
        raise ValueError(f"is not a baseline of version {_VERSION}")
    for index, entry in enumerate(document["findings"]):
        try:
            yield _entry(entry)
        except ValueError as error:
            pointer = f"/findings/{index}"
            raise LineError(str(error), lines_at(text, {pointer})[pointer]) from None


def _entry(entry: Any) -> tuple[Key, int]:
    values = [entry.get(name) for name in Key._fields] if isinstance(entry, dict) else []
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(Key._fields):
        raise ValueError("has an entry without a code, a field and a problem")
    count = entry.get("count")
    if type(count) is not int or count < 1:
        raise ValueError("has an entry without a count")
    if texts[0] not in CODES:
        raise ValueError(f"has an entry with an unknown code {cut(texts[0])}")
    return key_of(*texts), count
