"""The files of a run, each with its role, and the rule that it writes none that has another role.

`files_of_run` is the table: every file that a command reads or writes is in it. The rule is asked
before anything is written.
"""

import os
import stat
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from segcli.accounting.atomic_write import is_stream, own_descriptor
from segcli.cli.dest_option import files_described, is_path
from segcli.cli.options import DEFAULT_CONFIG, RunFiles
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.inputs.folder import is_passed_over
from segcli.inputs.input import is_address

# Near its beginning each report says what it is; `check` writes one of its own.
_MARKS = (b'"report_version"', b'"check_version"')
# What stands beside the file of an option and goes with it: the lock, and the files of SQLite.
_BESIDE = {"--state": (".lock", "-wal", "-shm", "-journal")}
# These are files that a run goes back to, so they cannot be streams.
_NO_STREAMS = frozenset({"--journal", "--state"})
_AN_INPUT = "an input"

Named = Mapping[str, Path | None]
Reads = Mapping[str, Sequence[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """A file that a run reads or writes.

    role: what the run has it for, as messages say it
    written: how a message about it begins; empty where it is only read
    hint: what to type to have another one written
    identity: the same for all names of one file; None for one that may have several roles
    path: where it is; None for a stream that has no name
    """

    role: str
    identity: Hashable
    written: str = ""
    hint: str = ""
    path: Path | None = None


def files_of_run(asked: RunFiles, writes: Named, reads: Reads) -> list[RunFile]:
    """Return every file that is named to a command, what is read first.

    `writes` are those that only this command writes, by their options, and `reads` those that only
    this command reads.
    """
    config = Path(asked.config or DEFAULT_CONFIG)
    return [
        *_inputs(asked.files),
        *_read({"--config": config, "--api-key-file": asked.api_key_file}),
        *described_by(asked.dest),
        *(_to_read(option, path) for option, paths in reads.items() for path in paths),
        *standard_streams(),
        *written({**writes, "--rejects": asked.rejects, "--report": asked.report}),
    ]


def described_by(dest: str | None) -> list[RunFile]:
    """Return the file of a destination, if a file describes it, and the mapping files it names."""
    if dest is None or not is_path(dest):
        return []
    own, *mappings = files_described(dest)
    role = "a mapping file of --dest"
    return [*_read({"--dest": own}), *(_to_read(role, path) for path in mappings)]


def standard_streams() -> Iterator[RunFile]:
    """Yield the files that stdout and stderr go to."""
    hint = "Let it go elsewhere: segcli … {}> another-file"
    yield from _stream(1, "where stdout goes", written="stdout", hint=hint.format(""))
    yield from _stream(2, "where stderr goes", written="stderr", hint=hint.format("2"))


def written(named: Named) -> list[RunFile]:
    """Return the files that these options name to be written, and what stands beside them."""
    found = []
    for option, path in named.items():
        if path is None:
            continue
        hint = f"Name another: {option} PATH"
        found.append(_to_write(option, f"{option} {path}", path, hint=hint))
        # The links of a path are resolved before anything is put beside it.
        real = Path(os.path.realpath(path))
        for ending in _BESIDE.get(option, ()):
            beside = real.with_name(real.name + ending)
            title = f"{option} {path} needs {beside.name} beside it, which"
            found.append(_to_write(f"a file beside {option}", title, beside, hint=hint))
    return found


def check_apart(files: Sequence[RunFile]) -> None:
    """Raise UsageError where a file that is written has a second role, by whatever name or link."""
    for at, file in enumerate(files):
        if not file.written or file.identity is None:
            continue
        for other in files[:at]:
            if file.identity == other.identity and not _may_be_one(file, other):
                title = str(other.path) if other.path else "the file that stdin reads"
                raise _second_role(file, other.role, title=title)


def check_written(writes: Named, dests: Sequence[str | None] = ()) -> None:
    """Raise UsageError where a command without inputs would write a file that has a second role."""
    described = [file for dest in dests for file in described_by(dest)]
    check_apart([*described, *standard_streams(), *written(writes)])


def check_outputs(
    asked: RunFiles, writes: Named | None = None, reads: Reads | None = None
) -> list[RunFile]:
    """Find out before the run whether its files can be written, each without harming another.

    Returns the table, for `check_found`. Raises UsageError.
    """
    files = files_of_run(asked, writes or {}, reads or {})
    check_apart(files)
    _check_outside(files, {os.path.realpath(name) for name in asked.files if os.path.isdir(name)})
    for option, path in (("--rejects", asked.rejects), ("--report", asked.report)):
        if path and not os.path.isdir(path.parent):
            raise UsageError(f"{option} {path}: the folder {path.parent} does not exist")
    if asked.report and not is_stream(asked.report):
        _check_is_report(asked.report)
    if asked.rejects:
        check_holds_records("--rejects", asked.rejects, "file of rejects")
    return files


def check_found(files: Sequence[RunFile], found: Sequence[Input]) -> None:
    """Raise UsageError where a file that is written is among those that were found in folders."""
    outputs = {file.identity: file for file in files if file.written}
    # Where no output exists yet, the files of a large folder need not be looked at once more.
    if any(isinstance(identity, _Existing) for identity in outputs):
        for entry in _inside_folders(found):
            if file := outputs.get(_identity(Path(entry.name))):
                raise _second_role(file, _AN_INPUT, title=entry.title)
    # A link in a folder leads to other folders, which are read too.
    folders = {os.path.dirname(entry.name) for entry in _inside_folders(found)}
    _check_outside(files, {os.path.realpath(folder) for folder in folders})


def _inside_folders(found: Sequence[Input]) -> Iterator[Input]:
    """Yield the inputs that were found in folders, one at a time: there may be very many."""
    return (entry for entry in found if entry.found_in and not entry.remote)


def check_holds_records(option: str, path: Path, what: str) -> None:
    """Raise UsageError where lines would be added to a file that cannot be lines of JSON.

    People may have repaired what stands there, so it need not begin with a record of ours.
    """
    start = b""
    if not is_stream(path):
        with suppress(OSError):  # whether it can be written is found out where it is opened
            start = _start_of(path).lstrip()
    if start and not start.startswith(b'{"'):
        problem = f"{option} {path} is there already, and is no {what}"
        raise UsageError(problem, f"Name another: {option} PATH")


class _Existing(NamedTuple):
    """A file that exists, whatever name or link leads to it."""

    device: int
    inode: int


class _Missing(NamedTuple):
    """A file that does not exist yet: its name in a folder that does."""

    folder: _Existing
    name: str


def _identity(path: Path) -> Hashable:
    """Return what is the same for all names of a file, or None for a device.

    To write to /dev/null or a terminal twice harms nothing.
    """
    try:
        return _identity_of(path.stat())
    except OSError:
        real = Path(os.path.realpath(path))
    try:
        folder = real.parent.stat()
    except OSError:
        return str(real)
    return _Missing(_Existing(folder.st_dev, folder.st_ino), real.name)


def _identity_of(status: os.stat_result) -> Hashable:
    return None if stat.S_ISCHR(status.st_mode) else _Existing(status.st_dev, status.st_ino)


def _inputs(names: Sequence[str]) -> Iterator[RunFile]:
    for name in names or ["-"]:
        if name == "-":
            yield from _stream(0, _AN_INPUT)
        elif not is_address(name):
            yield _to_read(_AN_INPUT, Path(name))


def _stream(descriptor: int, role: str, *, written: str = "", hint: str = "") -> Iterator[RunFile]:
    """Yield the file that a stream is connected to, if it is a regular one."""
    try:
        status = os.fstat(descriptor)
    except OSError:  # closed by whoever started us
        return
    if stat.S_ISREG(status.st_mode):
        yield RunFile(role=role, identity=_identity_of(status), written=written, hint=hint)


def _read(named: Named) -> list[RunFile]:
    return [_to_read(option, path) for option, path in named.items() if path]


def _to_read(role: str, path: Path) -> RunFile:
    return RunFile(role=role, identity=_identity(path), path=path)


def _to_write(role: str, title: str, path: Path, *, hint: str) -> RunFile:
    return RunFile(role=role, identity=_identity(path), written=title, hint=hint, path=path)


def _may_be_one(file: RunFile, other: RunFile) -> bool:
    """Return whether both are the same stream: `2>&1`, or --report /dev/stdout."""
    if not (other.written and other.path is None) or file.role in _NO_STREAMS:
        return False
    return file.path is None or own_descriptor(file.path) is not None


def _second_role(file: RunFile, role: str, *, title: str) -> UsageError:
    hint = file.hint
    if file.path is None:
        return UsageError(f"{file.written} goes to {title}, which is also {role}", hint)
    if role == _AN_INPUT:
        hint = f"{hint.replace(':', ',')}, or the inputs by a pattern without it."
    return UsageError(f"{file.written} is also {role}", hint)


def _check_outside(files: Sequence[RunFile], folders: Collection[str]) -> None:
    """Raise UsageError where a file would be an input of the next run, found in a folder."""
    for file in files:
        if not file.written or file.path is None:
            continue
        real = Path(os.path.realpath(file.path))
        for folder in real.parents:
            if str(folder) not in folders:
                continue
            if not any(map(is_passed_over, real.relative_to(folder).parts)):
                raise UsageError(
                    f"{file.written} lies in a folder that is read, and would become an input",
                    file.hint.replace("Name another", "Name a place outside of it"),
                )


def _check_is_report(path: Path) -> None:
    """Raise UsageError where a report cannot be written, or would wipe out something else."""
    hint = "Name another: --report PATH"
    try:
        start = _start_of(path)
    except OSError as error:
        raise UsageError(f"--report {path} cannot be read: {error.strerror}", hint) from None
    if start and not any(mark in start for mark in _MARKS):
        raise UsageError(f"--report {path} is there already, and is no report of segcli", hint)
    # A new file takes the place of the old one, so it is the folder that has to be writable.
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"--report {path}: the folder {folder} may not be written to", hint)


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file; none where there is no such file."""
    if not path.is_file():
        return b""
    with path.open("rb") as file:
        return file.read(64)
