"""Input chunks as lines, and the memory that reading them uses."""

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from segcli.core.line import TooLong
from segcli.lines import chunks
from segcli.lines.chunks import Chunk

T = TypeVar("T")

MIB = 1024 * 1024


def byte_chunks(path: Path, max_line: int = chunks.MAX_LINE) -> list[Chunk]:
    return list(chunks.chunks(chunks.inputs([str(path)]), max_line))


def lines(found: list[Chunk]) -> list[bytes | TooLong]:
    return [line for chunk in found for line in chunk.lines]


def with_peak_memory(work: Callable[[], T]) -> tuple[T, int]:
    """Return the work's result and the most memory it took."""
    tracemalloc.start()
    try:
        return work(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
