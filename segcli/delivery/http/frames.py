"""Frames: values on their way between two processes over a socket, many in a piece."""

import asyncio
import pickle
import struct
from collections.abc import Callable
from typing import Any

_HEAD = struct.Struct("=Q")


class Frames(asyncio.Protocol):
    """One end of a connection between processes of the same program.

    Calls `got` with each value that the other end sent, and `lost` when that has gone. What is
    sent in one turn of the event loop leaves together.
    """

    def __init__(self, got: Callable[[Any], None], lost: Callable[[], None]) -> None:
        self._got = got
        self._lost = lost
        self._read = bytearray()
        self._to_send: list[bytes] = []
        self._transport: asyncio.Transport | None = None

    def send(self, value: object) -> None:
        """Send a value; it is lost where the other end has gone."""
        if not self._to_send:
            asyncio.get_running_loop().call_soon(self._flush)
        text = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
        self._to_send += (_HEAD.pack(len(text)), text)

    def close(self) -> None:
        """Let go of the other end."""
        if self._transport:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Hand on what is whole, keep the rest."""
        read = self._read
        read += data
        start = 0
        while len(read) - start >= _HEAD.size:
            (size,) = _HEAD.unpack_from(read, start)
            end = start + _HEAD.size + size
            if len(read) < end:
                break
            value = pickle.loads(read[start + _HEAD.size : end])
            start = end
            self._got(value)
        del read[:start]

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's interface
        """Say that the other end has gone."""
        self._lost()

    def _flush(self) -> None:
        if self._transport and not self._transport.is_closing():
            self._transport.write(b"".join(self._to_send))
        self._to_send.clear()
