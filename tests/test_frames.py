"""Frames arrive whole and in order, however the socket cuts them."""

import asyncio
import socket
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segcli.delivery.http.frames import Frames

VALUES = st.lists(
    st.one_of(st.binary(max_size=40), st.tuples(st.integers(), st.text(max_size=9))), max_size=12
)


class Sent(asyncio.Transport):
    """Keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return False


@given(VALUES, st.integers(1, 50))
def test_values_arrive_as_they_were_sent_and_leave_in_one_piece(
    values: list[Any], cut: int
) -> None:
    async def story() -> tuple[list[bytes], list[Any]]:
        sent, found = Sent(), []
        sender = Frames(lambda _: None, lambda: None)
        sender.connection_made(sent)
        for value in values:
            sender.send(value)
        await asyncio.sleep(0)
        receiver = Frames(found.append, lambda: None)
        text = b"".join(sent.pieces)
        for start in range(0, len(text), cut):
            receiver.data_received(text[start : start + cut])
        return sent.pieces, found

    pieces, found = asyncio.run(story())

    assert found == values
    assert len(pieces) == bool(values)


def test_the_other_ends_going_is_told_once() -> None:
    async def story() -> list[str]:
        one, other = socket.socketpair()
        said: list[str] = []
        frames = Frames(lambda _: None, lambda: said.append("lost"))
        await asyncio.get_running_loop().create_connection(lambda: frames, sock=one)
        other.close()
        while not said:
            await asyncio.sleep(0.001)
        frames.send("nobody hears this")
        await asyncio.sleep(0)
        return said

    assert asyncio.run(story()) == ["lost"]
