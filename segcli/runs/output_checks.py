"""Checks before a run that no file which it writes has a second role, such as an input.

`files_of_run` returns every file that a command reads or writes, with its role.
"""

import errno
import os
import re
import stat
from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from segcli.accounting.atomic_write import is_stream, own_descriptor
from segcli.destination_source import files_described, is_path
from segcli.errors import UsageError
from segcli.inputs import Input
from segcli.inputs.folder import is_passed_over, is_rejects_file
from segcli.inputs.input import is_address
from segcli.settings_file import DEFAULT_CONFIG

# What a log, metrics and a page begin with.
_WATCHED = {
    "--log-file": (re.compile(rb'(?:\{"time":")?\d{4}-\d\d-\d\dT'), "a log of segcli"),
    "--metrics": (re.compile(rb"# HELP segcli_"), "metrics of segcli"),
    "--html": (re.compile(rb"<!doctype html>\n<!-- segcli report"), "a page of segcli"),
}
# Suffixes of the files beside the file of an option: its lock, and the files of SQLite.
_BESIDE = {"--state": (".lock", "-wal", "-shm", "-journal")}
# A run reads these again later, so they cannot be streams.
_NO_STREAMS = frozenset({"--journal", "--state"})
# The last line of a format may be long.
_END_BYTES = 64 * 1024
_AN_INPUT = "an input"


@dataclass(frozen=True, slots=True)
class FormatMarks:
    """How to recognize a file that segcli wrote in a format, so that it may be replaced.

    start: one of these is in the first bytes
    end: this is in the last lines; None if the start is enough
    """

    start: tuple[bytes, ...] = ()
    end: re.Pattern[bytes] | None = None


# `check` has its own kind of report.
REPORT_MARKS = FormatMarks(start=(b'"report_version"', b'"check_version"'))


@dataclass(frozen=True, slots=True)
class OutputFile:
    """The value of `--output`.

    format: the name of a format
    path: the file that is written
    marks: how to recognize an earlier file in this format
    """

    format: str
    path: Path
    marks: FormatMarks = REPORT_MARKS


class RunFiles(Protocol):
    """The names of the files that every command has."""

    @property
    def files(self) -> tuple[str, ...]:
        """The inputs; none for stdin."""

    @property
    def dest(self) -> str | None:
        """A name, or the path of a destination file."""

    @property
    def config(self) -> str | None:
        """The settings file, if it is named."""

    @property
    def api_key_file(self) -> Path | None:
        """The file that holds the key."""

    @property
    def rejects(self) -> Path | None:
        """Where rejected and refused events go."""

    @property
    def report(self) -> Path | None:
        """Where the JSON report goes."""


Named = Mapping[str, Path | None]
Reads = Mapping[str, Sequence[Path]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """A file that a run reads or writes.

    role: what the run uses it for, in the words of a message
    written: the start of a message about it; empty if it is only read
    hint: what to type to write another file instead
    identity: the same for all names of a file; None for a file that may have several roles
    path: where it is; None for a standard stream
    """

    role: str
    identity: Hashable
    written: str = ""
    hint: str = ""
    path: Path | None = None


def files_of_run(options: RunFiles, writes: Named, reads: Reads) -> list[RunFile]:
    """Return every file that the options of a command name; files that it reads come first.

    writes: the files that only this command writes, by option
    reads: the files that only this command reads, by option
    """
    config = Path(options.config or DEFAULT_CONFIG)
    return [
        *_inputs(options.files),
        *_read({"--config": config, "--api-key-file": options.api_key_file}),
        *described_by(options.dest),
        *(_to_read(option, path) for option, paths in reads.items() for path in paths),
        *standard_streams(),
        *written({**writes, "--rejects": options.rejects, "--report": options.report}),
    ]


def described_by(dest: str | None) -> list[RunFile]:
    """Return the destination file of `--dest` and its mapping files; none for a plain name."""
    if dest is None or not is_path(dest):
        return []
    own, *mappings = files_described(dest)
    role = "a mapping file of --dest"
    return [*_read({"--dest": own}), *(_to_read(role, path) for path in mappings)]


def standard_streams() -> Iterator[RunFile]:
    """Yield the files that stdout and stderr go to."""
    hint = "Redirect it to another file: segcli … {}> another-file"
    yield from _stream(1, "where stdout goes", written="stdout", hint=hint.format(""))
    yield from _stream(2, "where stderr goes", written="stderr", hint=hint.format("2"))


def written(named: Named) -> list[RunFile]:
    """Return the files that these options write, and the files that are made beside them."""
    found = []
    for option, path in named.items():
        if path is None:
            continue
        hint = f"Name another file: {option} PATH"
        found.append(_to_write(option, f"{option} {path}", path, hint=hint))
        # Files beside it are made in the folder that the links of the path lead to.
        real = Path(os.path.realpath(path))
        for ending in _BESIDE.get(option, ()):
            beside = real.with_name(real.name + ending)
            title = f"{option} {path} needs {beside.name} beside it, which"
            found.append(_to_write(f"a file beside {option}", title, beside, hint=hint))
    return found


def check_apart(files: Sequence[RunFile]) -> None:
    """Raise UsageError if a file that is written has a second role, by any name or link."""
    for at, file in enumerate(files):
        if not file.written or file.identity is None:
            continue
        for other in files[:at]:
            if file.identity == other.identity and not _may_be_one(file, other):
                title = str(other.path) if other.path else "the file that stdin reads"
                raise _second_role(file, other.role, title=title)


def check_written(writes: Named, dests: Sequence[str | None] = ()) -> None:
    """Raise UsageError if a command without inputs would write a file that has a second role."""
    described = [file for dest in dests for file in described_by(dest)]
    check_apart([*described, *standard_streams(), *written(writes)])


def check_outputs(
    options: RunFiles,
    writes: Named | None = None,
    reads: Reads | None = None,
    outputs: Sequence[OutputFile] = (),
) -> list[RunFile]:
    """Check before the run that its files can be written without harm to any other file.

    `outputs` are those of --output. Returns the files, for `check_found`. Raises UsageError.
    """
    files = [*files_of_run(options, writes or {}, reads or {}), *map(_of_output, outputs)]
    check_apart(files)
    _check_outside(files, {os.path.realpath(name) for name in options.files if os.path.isdir(name)})
    named = [("--rejects ", options.rejects), ("--report ", options.report)]
    named += [(_option_of(one), one.path) for one in outputs]
    for option, path in named:
        if path and not os.path.isdir(path.parent):
            hint = f"Make the folder, or name another file: {option}PATH"
            raise UsageError(f"{option}{path}: the folder {path.parent} does not exist", hint)
    if options.report and not is_stream(options.report):
        _check_is_report(OutputFile("json", options.report), "--report ")
    for one in outputs:
        if os.path.isdir(one.path):
            option = _option_of(one)
            hint = f"Name a file in it: {option}PATH"
            raise UsageError(f"{option}{one.path} is a folder", hint)
        if not is_stream(one.path):
            _check_is_report(one, _option_of(one))
    if options.rejects:
        check_holds_records("--rejects", options.rejects, "rejects file")
    _check_watched(writes or {})
    return files


def check_found(files: Sequence[RunFile], found: Sequence[Input]) -> None:
    """Raise UsageError if a file that is written is one of the inputs found in folders."""
    outputs = {file.identity: file for file in files if file.written}
    # Skip the files of a large folder if no output exists yet.
    if any(isinstance(identity, _Existing) for identity in outputs):
        for entry in _inside_folders(found):
            if file := outputs.get(_identity(Path(entry.name))):
                raise _second_role(file, _AN_INPUT, title=entry.title)
    # A link in a folder may lead to other folders, which are read too.
    folders = {os.path.dirname(entry.name) for entry in _inside_folders(found)}
    _check_outside(files, {os.path.realpath(folder) for folder in folders})


def _inside_folders(found: Sequence[Input]) -> Iterator[Input]:
    """Yield the inputs that were found in folders, lazily: there may be millions."""
    return (entry for entry in found if entry.found_in and not entry.remote)


def check_holds_records(option: str, path: Path, what: str) -> None:
    """Raise UsageError if the file to append to does not hold JSON objects.

    Its start need not be a record of segcli: users repair these files.
    """
    start = b""
    if not is_stream(path):
        with suppress(OSError):  # opening it later reports whether it can be written
            start = _start_of(path).lstrip()
    if start and not start.startswith(b'{"'):
        problem = f"{option} {path} exists already, and is not a {what}"
        raise UsageError(problem, f"Name another file: {option} PATH")


def _check_watched(writes: Named) -> None:
    """Raise UsageError unless log, metrics and page can be written, each to a file of its own."""
    for option, (begins, what) in _WATCHED.items():
        path = writes.get(option)
        if path is None or is_stream(path):
            continue
        hint = f"Name another file: {option} PATH"
        folder = os.path.dirname(os.path.realpath(path))
        if not os.path.isdir(folder):
            raise UsageError(f"{option} {path}: the folder {folder} does not exist", hint)
        if not os.access(path if os.path.exists(path) else folder, os.W_OK):
            raise UsageError(f"{option} {path} cannot be written", hint)
        start = b""
        with suppress(OSError):  # a file that can be written only
            start = _start_of(path)
        if start and not begins.match(start):
            raise UsageError(f"{option} {path} exists already, and is not {what}", hint)


class _Existing(NamedTuple):
    """A file that exists, by any name or link."""

    device: int
    inode: int


class _Missing(NamedTuple):
    """A file that does not exist yet, by its folder and its name."""

    folder: _Existing
    name: str


def _identity(path: Path) -> Hashable:
    """Return the identity of a file, the same for all its names; None for a device.

    Writing twice to /dev/null or a terminal does no harm.
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
    except OSError:  # the parent process has closed it
        return
    if stat.S_ISREG(status.st_mode):
        yield RunFile(role=role, identity=_identity_of(status), written=written, hint=hint)


def _read(named: Named) -> list[RunFile]:
    return [_to_read(option, path) for option, path in named.items() if path]


def _to_read(role: str, path: Path) -> RunFile:
    return RunFile(role=role, identity=_identity(path), path=path)


def _to_write(role: str, title: str, path: Path, *, hint: str) -> RunFile:
    if str(path) == "-":
        raise UsageError(f"{title} is not a file; stdout is /dev/stdout", hint)
    if problem := _never_opens(path):
        raise UsageError(f"{title} {problem}", hint)
    return RunFile(role=role, identity=_identity(path), written=title, hint=hint, path=path)


def _never_opens(path: Path) -> str:
    """Return why a path can be opened for no purpose; empty if it may be."""
    descriptor = own_descriptor(path)
    try:
        mode = (path.stat() if descriptor is None else os.fstat(descriptor)).st_mode
    except OSError as error:
        what = {errno.ELOOP: "is a link to itself", errno.EBADF: "is not open"}
        return what.get(error.errno or 0, "")
    return "is a socket" if descriptor is None and stat.S_ISSOCK(mode) else ""


def _of_output(output: OutputFile) -> RunFile:
    option = _option_of(output)
    title, hint = f"{option}{output.path}", f"Name another file: {option}PATH"
    return _to_write(title, title, output.path, hint=hint)


def _option_of(output: OutputFile) -> str:
    """Return what is typed before the path of an output."""
    return f"--output {output.format}="


def _may_be_one(file: RunFile, other: RunFile) -> bool:
    """Return whether both may be the same stream: `2>&1`, or `--report /dev/stdout`."""
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
    """Raise UsageError if a file would be in a folder of inputs: the next run would read it."""
    for file in files:
        if not file.written or file.path is None:
            continue
        real = Path(os.path.realpath(file.path))
        for folder in real.parents:
            if str(folder) not in folders:
                continue
            is_left_out = any(map(is_passed_over, real.relative_to(folder).parts))
            if not is_left_out and not is_rejects_file(real.name):
                raise UsageError(
                    f"{file.written} is in a folder that is read, so it would become an input",
                    file.hint.replace("Name another file", "Name a path outside it"),
                )


def _check_is_report(output: OutputFile, option: str) -> None:
    """Raise UsageError if a report cannot be written, or would overwrite another kind of file.

    `option` is what is typed before the path.
    """
    path, hint = output.path, f"Name another file: {option}PATH"
    try:
        is_report = _is_report(path, output.marks)
    except OSError as error:
        raise UsageError(f"{option}{path} cannot be read: {error.strerror}", hint) from None
    if not is_report:
        what = "a report of segcli" + ("" if output.format == "json" else f" in {output.format}")
        raise UsageError(f"{option}{path} exists already, and is not {what}", hint)
    # A new file replaces the old one, so the folder must be writable.
    folder = os.path.dirname(os.path.realpath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UsageError(f"{option}{path}: the folder {folder} is not writable", hint)


def _is_report(path: Path, marks: FormatMarks) -> bool:
    """Return whether a file is empty, missing, or has these marks."""
    start = _start_of(path)
    if not start:
        return True
    if marks.end:
        with path.open("rb") as file:
            file.seek(max(path.stat().st_size - _END_BYTES, 0))
            return bool(marks.end.search(file.read()))
    return any(mark in start for mark in marks.start)


def _start_of(path: Path) -> bytes:
    """Return the first bytes of a file; none if it is not a regular file. Raises OSError."""
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return b""
    if not stat.S_ISREG(mode):
        return b""
    with path.open("rb") as file:
        return file.read(64)
