"""What the protocol of a connection does with bytes that come when no reply is awaited."""

import asyncio

import aiohttp
import pytest
from support.wires import OK

from segcli.http.aiohttp_protocol import ReplyProtocol


class RecordingTransport(asyncio.Transport):
    """A transport that records whether it was aborted."""

    def __init__(self) -> None:
        super().__init__()
        self.is_aborted = False

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize("answered", [0, 1, 2])
def test_reply_without_a_request_is_never_the_reply_to_the_next_one(answered: int) -> None:
    async def story() -> None:
        protocol, transport = ReplyProtocol(asyncio.get_running_loop()), RecordingTransport()
        protocol.connection_made(transport)
        for _ in range(answered):
            protocol.expect_reply()
            protocol.data_received(OK)
            message, _ = await protocol.read_final()
            assert message.code == 200
        assert not transport.is_aborted

        protocol.data_received(OK)
        protocol.expect_reply()

        assert transport.is_aborted
        with pytest.raises(aiohttp.ClientPayloadError, match="belong to no request"):
            await protocol.read_final()

    asyncio.run(story())
