"""A vendor with a response time, which fails as the path of a request says.

    python tests/bench/failing.py

    /fine                every request is taken
    /random/503/0.03     3 % of the requests, at random, get a 503
    /over/8/503          what comes while eight are being served gets a 503 at once
    /over-late/8/503     the same, but the 503 takes as long as any other reply

It prints its address, and serves until it is killed.
"""

import asyncio
import random
import re
import sys

LATENCY = 0.02
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Vendor:
    """The state that all connections share."""

    def __init__(self) -> None:
        self.serving = 0
        self.dice = random.Random(8)

    def begin(self, path: str) -> tuple[int, float]:
        """Return the status of a request that has come, and in how many seconds it is sent.

        A request with the status 200 is being served until `served` is called.
        """
        _, mode, *rest = path.split("/")
        status = 200
        if mode == "random" and self.dice.random() < float(rest[1]):
            status = int(rest[0])
        if mode.startswith("over") and self.serving >= int(rest[0]):
            status = int(rest[1])
        self.serving += status == 200
        return status, 0.0 if mode == "over" and status != 200 else LATENCY

    def served(self) -> None:
        """Have room for another request."""
        self.serving -= 1


class Connection(asyncio.Protocol):
    """One client, which sends its next request after the reply to the last one."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor
        self._read = b""
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what replies go to."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a request once it is whole."""
        self._read += data
        head, end, body = self._read.partition(b"\r\n\r\n")
        found = _LENGTH.search(head)
        if not end or len(body) < int(found[1] if found else 0):
            return
        self._read = b""
        status, wait = self._vendor.begin(head.split(b" ", 2)[1].decode())
        asyncio.get_running_loop().call_later(wait, self._reply, status)

    def _reply(self, status: int) -> None:
        if status == 200:
            self._vendor.served()
        assert self._transport
        self._transport.write(b"HTTP/1.1 %d Said\r\ncontent-length: 2\r\n\r\n{}" % status)


async def serve() -> None:
    """Serve on a free port."""
    vendor = Vendor()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(vendor), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
