"""What a run has to read: the lines of its inputs that no earlier run has settled."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from segcli.core.line import Line
from segcli.errors import Stopped
from segcli.journal.checkpoint import Checkpoint
from segcli.lines import chunks
from segcli.lines.chunks import Chunk, Input
from segcli.lines.fingerprint import Fingerprint, Mark


@dataclass(frozen=True, slots=True)
class PendingLines:
    """The open lines of a chunk, the bytes of all its lines, and the mark behind it.

    `stored` are the bytes that were read for them of what is stored, which may be compressed.
    `rejected` are lines that are known to be no events, each with its problem. Where an input has
    ended, `ended` is how many lines it has.
    """

    place: int
    lines: Sequence[Line]
    size: int
    mark: Mark | None = None
    stored: int = 0
    rejected: Sequence[tuple[Line, str]] = ()
    ended: int | None = None

    @property
    def size_of_settled(self) -> int:
        """The bytes of those lines that an earlier run has settled."""
        return self.size - sum(line.size for line in self.lines)


def all_lines(inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
    """Read everything, without a journal."""
    for chunk in chunks.chunks(inputs, max_line):
        yield _reading(chunk, None)


def open_lines(inputs: Sequence[Input], max_line: int, past: Checkpoint) -> Iterator[PendingLines]:
    """Read what the past has not settled, once an input has proved to be what it was.

    Raises InputError where it is not, before any line of it is yielded. What has to be kept in
    memory until then are the open lines only.
    """
    fingerprints: dict[int, Fingerprint] = {}
    marked = False

    def fingerprint_of(entry: Input) -> Fingerprint:
        """Keep one at a time: an archive has many inputs. This run has marked none of it yet."""
        nonlocal marked
        mark = past.marks.get(entry.place)
        marked = mark is not None
        fingerprints.clear()
        return fingerprints.setdefault(entry.place, Fingerprint(entry.title, mark))

    held: list[PendingLines] = []
    last: Chunk | None = None
    try:
        for chunk in chunks.chunks(inputs, max_line, fingerprint_of):
            if last and last.input is not chunk.input:
                yield from held
                held.clear()
                yield _end(last)
            # Of what no earlier run has marked, none has settled anything.
            held.append(_reading(chunk, past if marked else None))
            last = chunk
            if fingerprints[chunk.input.place].is_verified:
                yield from held
                held.clear()
    except Stopped:
        yield from _proved(held, fingerprints)
        raise
    yield from held
    if last:
        yield _end(last)


def _proved(
    held: Sequence[PendingLines], fingerprints: Mapping[int, Fingerprint]
) -> Sequence[PendingLines]:
    """Return what is held of an input that cannot be read on, if it is what it was up to there."""
    for fingerprint in fingerprints.values():
        if not fingerprint.has_seen_enough:
            return ()
        fingerprint.end()
    return held


def _end(last: Chunk) -> PendingLines:
    return PendingLines(last.input.place, (), 0, ended=last.first + len(last.lines) - 1)


def _reading(chunk: Chunk, past: Checkpoint | None) -> PendingLines:
    place = chunk.input.place
    title = chunk.input.title
    lines = [
        Line(title, number, text, place)
        for number, text in enumerate(chunk.lines, chunk.first)
        if past is None or not past.is_settled(place, number)
    ]
    return PendingLines(place, lines, chunk.size, chunk.mark, chunk.stored)
