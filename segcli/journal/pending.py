"""The lines that a run has to read: those that no earlier run has settled."""

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
    """The lines of a chunk that are not settled.

    place: the place of the input.
    lines: the lines.
    size: the bytes of all lines of the chunk, settled ones too.
    mark: how far the input has been read after this chunk.
    stored: the bytes that were read for the chunk; less than `size` if the input is compressed.
    rejected: lines already known not to be events, each with its problem.
    ended: at the end of an input, the number of its lines.
    """

    place: int
    lines: Sequence[Line]
    size: int
    mark: Mark | None = None
    stored: int = 0
    rejected: Sequence[tuple[Line, str]] = ()
    ended: int | None = None


def all_lines(inputs: Sequence[Input], max_line: int) -> Iterator[PendingLines]:
    """Read all lines, without a journal."""
    for chunk in chunks.chunks(inputs, max_line):
        yield _pending(chunk, None)


def open_lines(inputs: Sequence[Input], max_line: int, past: Checkpoint) -> Iterator[PendingLines]:
    """Read the lines that are not settled, after verifying that the input is unchanged.

    Raises InputError if an input has changed, before any of its lines is yielded. Until an input
    is verified, only its unsettled lines are held in memory.
    """
    fingerprints: dict[int, Fingerprint] = {}
    marked = False

    def fingerprint_of(entry: Input) -> Fingerprint:
        """Keep one fingerprint at a time: an archive has many inputs."""
        nonlocal marked
        # This mark is of an earlier run: this run has not marked anything of the input yet.
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
            # An input without a mark has no settled lines.
            held.append(_pending(chunk, past if marked else None))
            last = chunk
            if fingerprints[chunk.input.place].is_verified:
                yield from held
                held.clear()
    except Stopped:
        yield from _verified(held, fingerprints)
        raise
    yield from held
    if last:
        yield _end(last)


def _verified(
    held: Sequence[PendingLines], fingerprints: Mapping[int, Fingerprint]
) -> Sequence[PendingLines]:
    """Return the held lines of an input that cannot be read further, if they are verified."""
    for fingerprint in fingerprints.values():
        if not fingerprint.has_seen_enough:
            return ()
        fingerprint.end()
    return held


def _end(last: Chunk) -> PendingLines:
    return PendingLines(last.input.place, (), 0, ended=last.first + len(last.lines) - 1)


def _pending(chunk: Chunk, past: Checkpoint | None) -> PendingLines:
    place = chunk.input.place
    title = chunk.input.title
    lines = [
        Line(title, number, text, place)
        for number, text in enumerate(chunk.lines, chunk.first)
        if past is None or not past.is_settled(place, number)
    ]
    return PendingLines(place, lines, chunk.size, chunk.mark, chunk.stored)
