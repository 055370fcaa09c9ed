"""Lines of the index as inputs, for a check or a send of some of them."""

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from segcli.core.line import TooLong
from segcli.inputs import Input, Stream
from segcli.ui.event_index import IndexedLine


class _Lines:
    """Lines as a stream of bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    @property
    def stored(self) -> int:
        """The bytes that were read."""
        return self._data.tell()

    def read1(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size`; none at the end."""
        return self._data.read(size)


def inputs_of(lines: Sequence[IndexedLine]) -> list[Input]:
    """Return one input for the lines of each file; each can be read once.

    Line numbers are those of the files if the lines are their first ones.
    """
    texts: dict[str, list[bytes]] = {}
    for line in lines:
        text = line.text.head if isinstance(line.text, TooLong) else line.text
        texts.setdefault(line.file, []).append(text + b"\n")
    return [
        _input(name, place, b"".join(found)) for place, (name, found) in enumerate(texts.items())
    ]


def _input(name: str, place: int, data: bytes) -> Input:
    @contextmanager
    def opened() -> Iterator[Stream]:
        yield _Lines(data)

    return Input(name=name, size=None, place=place, opened=opened)
