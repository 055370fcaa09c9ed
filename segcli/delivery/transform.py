"""The transform: lines in, payloads out, in input order; nothing is sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import orjson

from segcli.delivery import source
from segcli.delivery.rejects import Rejects
from segcli.delivery.settled import Line, Settled
from segcli.delivery.source import Chunk, Input
from segcli.delivery.tally import Tally
from segcli.errors import Stopped
from segcli.event import Rejected
from segcli.outcome import Job, Mapped, Outcome, Skipped, outcomes


@dataclass(frozen=True, slots=True, kw_only=True)
class Transformation:
    """What to map. `every_line` writes an object for each input line instead of the payloads."""

    job: Job
    inputs: Sequence[Input]
    every_line: bool = False
    rejects: Rejects | None = None
    max_line: int = source.MAX_LINE


def transform(transformation: Transformation, out: BinaryIO, tally: Tally) -> None:
    """Write what each line becomes, one a line; memory does not grow with the input.

    Raises InputError and Stopped; BrokenPipeError where nobody reads `out` any more.
    """
    outcome = outcomes(transformation.job)
    for chunk in source.chunks(transformation.inputs, transformation.max_line):
        found = [outcome(line) for line in chunk.lines]
        _count(chunk, found, transformation.rejects, tally)
        written = (
            _every_line(chunk, found, transformation)
            if transformation.every_line
            else (_payloads(found))
        )
        _write(out, b"".join(written))
    if transformation.rejects:
        transformation.rejects.close()


def _write(out: BinaryIO, data: bytes) -> None:
    try:
        out.write(data)
        out.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Stopped(f"the output cannot be written: {error.strerror}") from None


def _payloads(found: Sequence[Outcome]) -> Iterator[bytes]:
    for outcome in found:
        if isinstance(outcome, Mapped):
            yield outcome.body
            yield b"\n"


def _every_line(
    chunk: Chunk, found: Sequence[Outcome], transformation: Transformation
) -> Iterator[bytes]:
    several = len(transformation.inputs) > 1
    for number, outcome in enumerate(found, chunk.first):
        place = {"file": chunk.input.title, "line": number} if several else {"line": number}
        yield orjson.dumps(place | described(outcome), option=orjson.OPT_APPEND_NEWLINE)


def described(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as `--outcomes` and golden files show it, without its place."""
    match outcome:
        case Mapped(route, body):
            return {"state": "mapped", "route": route, "payload": orjson.Fragment(body)}
        case Skipped(reason):
            return {"state": "skipped", "reason": reason}
        case Rejected() as rejected:
            return {"state": "rejected", "reason": str(rejected)}


def _count(chunk: Chunk, found: Sequence[Outcome], rejects: Rejects | None, tally: Tally) -> None:
    tally.read += len(found)
    tally.bytes_read += chunk.size
    tally.stored_read += chunk.stored
    for number, outcome in enumerate(found, chunk.first):
        match outcome:
            case Mapped():
                tally.count("mapped")
                tally.notes.update(outcome.notes)
            case Skipped(reason):
                tally.count("skipped", reason)
            case Rejected() as rejected:
                tally.count("rejected", str(rejected))
                if rejects:
                    line = Line(chunk.input.title, number, chunk.lines[number - chunk.first])
                    rejects.keep(Settled([line], "rejected", str(rejected)))
