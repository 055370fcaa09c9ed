"""Begin a run: from the beginning, where an earlier run stopped, or refuse to begin."""

import itertools
import os
from array import array
from collections.abc import Sequence
from enum import Enum
from hashlib import blake2b
from pathlib import Path

from segcli.core.secret import display_address
from segcli.errors import InputError, UsageError, unwritable_at_start
from segcli.inputs.input import is_address
from segcli.inputs.input_list import Picked, picked
from segcli.journal.checkpoint import (
    Checkpoint,
    Damaged,
    Header,
    input_name,
    path_name,
    read_checkpoint,
)
from segcli.journal.columns import NameIndex
from segcli.journal.journal import Journal
from segcli.journal.locked_file import lock, remove
from segcli.lines.chunks import Input
from segcli.lines.fingerprint import verify

_MAX_NAMES = 5
# Options that a resumed run has as it began, without being typed again.
_KEPT = frozenset({"--older", "--now", "--live"})
DAMAGED_HINT = (
    "Lines that it recorded would be sent again. Restore a copy of it, or add --restart to send "
    "everything again from the beginning."
)
_UNFINISHED_HINT = (
    "Add --resume to continue where it stopped, or --restart to send everything again from the "
    "beginning."
)


# A run that has finished and one that settled nothing leave the same: no journal. To send without
# asking would send the events of a finished run twice.
_NOTHING_TO_RESUME_HINT = (
    "If the run ended with 0 or 1, it has finished, and nothing is left to send. If it stopped "
    "before anything was settled, omit --resume: that sends everything from the beginning. If it "
    "had other inputs, another destination or another --journal, name the same."
)


class Start(Enum):
    """What to do with an earlier run that was not finished, and the option that says so."""

    FRESH = "neither"
    RESUME = "--resume"
    RESTART = "--restart"


def begin(path: Path, header: Header, inputs: Sequence[Input], start: Start) -> Journal:
    """Return the run's journal, locked and on disk.

    With `RESUME` the journal holds what the earlier run settled. Each file that is not known to be
    the same has been verified: it begins with the bytes that the earlier run read. An input of
    which all lines are settled is left out. Raises UsageError, InputError and OutputError, each
    before anything is sent or changed.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = lock(path)
    except OSError as error:
        raise unwritable_at_start(
            f"the journal {path} cannot be written: {error.strerror}",
            "Name another file: --journal PATH",
            error,
        ) from None
    try:
        past = _checkpoint(path, header, start)
        return Journal(path, past, inputs_to_read(past, inputs, start))
    finally:
        if os.fstat(descriptor).st_size == 0:
            # The lock created this empty file. `remove` keeps a journal that has replaced it.
            remove(path, descriptor)
        os.close(descriptor)


def inputs_to_read(past: Checkpoint, inputs: Sequence[Input], start: Start) -> Sequence[Input]:
    """Return the inputs that may have unsettled lines, with their places in the journal.

    With `RESUME` it raises InputError if an input is missing, or is known to have changed.
    """
    placed = _with_places(past, inputs)
    if start is Start.RESUME:
        _check_all_there(past, placed)
        _verify(past, placed)
    return _unfinished_inputs(past, placed)


def start_from(found: Checkpoint | None, header: Header, start: Start, where: str) -> Checkpoint:
    """Return what a run begins with: nothing, or what an earlier run has settled.

    `found` is the content of the journal, which is at `where`. Raises UsageError and InputError if
    the run may not begin like this.
    """
    fresh = found is None or not found.is_worth_resuming
    if start is Start.RESTART or (fresh and start is Start.FRESH):
        # The forgotten run may have written rejects. They must not be written a second time.
        return Checkpoint(header, rejects=found.rejects if found else {})
    if found is None:
        raise UsageError(
            f"there is nothing to resume: no journal at {where}",
            _NOTHING_TO_RESUME_HINT,
        )
    if start is Start.FRESH:
        raise UsageError(_describe_unfinished(where, found), _UNFINISHED_HINT)
    check_same_run(found.header, header)
    return found


def default_journal(folder: Path, header: Header) -> Path:
    """Return the default path: the same for the same destination and inputs, in any order."""
    names = "\n".join(sorted(header.inputs))
    digest = blake2b(names.encode(), digest_size=8).hexdigest()
    return folder / f"{header.destination}-{digest}.journal"


def names_of(names: Sequence[str]) -> list[str]:
    """Return the named inputs as a journal stores them: full paths, addresses, `-` for stdin."""
    return [
        display_address(name) if name == "-" or is_address(name) else path_name(Path(name))
        for name in names or ["-"]
    ]


def _checkpoint(path: Path, header: Header, start: Start) -> Checkpoint:
    try:
        found = read_checkpoint(path)
    except Damaged as damaged:
        if start is Start.RESTART:
            return Checkpoint(header)
        raise UsageError(str(damaged), DAMAGED_HINT) from None
    except ValueError as error:
        raise UsageError(str(error), "Name another file: --journal PATH") from None
    return start_from(found, header, start, str(path))


def _describe_unfinished(where: str, found: Checkpoint) -> str:
    return (
        f"an earlier run of {_listed(found.header.inputs)} to {found.header.destination} "
        f"was not finished ({found.described()}); its journal is {where}"
    )


def _listed(names: Sequence[str]) -> str:
    """Return the names, separated by commas. A pattern may have thousands: only the first ones."""
    shown = ", ".join(names[:_MAX_NAMES])
    left = len(names) - _MAX_NAMES
    return f"{shown} and {left:,} more" if left > 0 else shown


def check_same_run(earlier: Header, now: Header) -> None:
    """Raise UsageError or InputError if the run to resume is not this one."""
    _check_same_destination(earlier, now)
    for before, after in zip(earlier.inputs, now.inputs, strict=False):
        if before != after:
            raise InputError(
                f"the run to resume read {before}, not {after}",
                "Name the same inputs in the same order.",
            )
    if len(earlier.inputs) != len(now.inputs):
        raise InputError(
            f"the run to resume read {_listed(earlier.inputs)}",
            "Name the same inputs in the same order.",
        )
    for option in sorted(earlier.options.keys() | now.options.keys()):
        if option in _KEPT and not now.options.get(option):
            continue
        if earlier.options.get(option) != now.options.get(option):
            raise UsageError(
                f"the run to resume had {_shown(option, earlier.options.get(option))}; this one "
                f"has {_shown(option, now.options.get(option))}",
                "Give the same selection options and settings, or --restart.",
            )


def _check_same_destination(earlier: Header, now: Header) -> None:
    for what, before, after in (
        ("destination", earlier.destination, now.destination),
        ("endpoint", earlier.endpoint, now.endpoint),
    ):
        if before != after:
            raise UsageError(
                f"the run to resume had the {what} {before}, not {after}",
                f"Name the same {what}, or add --restart to send everything to the new one.",
            )
    if earlier.revision != now.revision:
        raise UsageError(
            f"{now.destination} has changed since the run to resume: it maps events differently",
            "Restore the destination as it was, or add --restart to send everything again.",
        )


def _shown(option: str, value: object) -> str:
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    if not value:
        return f"no {option}"
    return option if value is True else f"{option} {value}"


def _with_places(past: Checkpoint, inputs: Sequence[Input]) -> Sequence[Input]:
    """Give each input its place in the journal. New files of a folder get the next places."""
    if not len(past.files):
        return inputs
    known = NameIndex(len(past.files), lambda place: past.files.get(place)[0])
    new = itertools.count(len(past.files))
    places = array("q")
    for entry in inputs:
        place = known.find(input_name(entry))
        places.append(next(new) if place is None else place)
    return Picked(inputs, array("I", range(len(inputs))), places)


def _unfinished_inputs(past: Checkpoint, placed: Sequence[Input]) -> Sequence[Input]:
    """Return the inputs that may have unsettled lines."""
    if not len(past.files):
        return placed
    return picked(
        placed,
        (
            index
            for index, entry in enumerate(placed)
            if not (past.is_done(entry.place) and _end_version(past, entry) == entry.version)
        ),
    )


def _end_version(past: Checkpoint, entry: Input) -> str | None:
    end = past.files.end(entry.place)
    return end.version if end else None


def _check_all_there(found: Checkpoint, placed: Sequence[Input]) -> None:
    """Raise InputError if a file is missing whose lines are not all settled."""
    there = bytearray(len(found.files))
    for entry in placed:
        if entry.place < len(there):
            there[entry.place] = 1
    for place, (name, _) in found.files.items():
        if not there[place] and not found.is_done(place):
            raise InputError(
                f"{name} is missing, and the run to resume has read a part of it",
                "Put it back, or add --restart to send the other files from the beginning.",
            )


def _verify(found: Checkpoint, placed: Sequence[Input]) -> None:
    """Raise InputError if an input has changed. The same version needs no reading."""
    for entry in placed:
        mark = found.marks.get(entry.place)
        _, version = found.files.get(entry.place)
        if mark and entry.can_be_read_again and not (version and version == entry.version):
            verify(entry, mark)
