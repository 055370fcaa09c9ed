"""The rate of `segcli spark send` over all tasks: whole, in its tail, and in any one second.

    python tests/bench/bench_spark_rate.py [--rates N…] [--buckets N…] [--seconds N]

Each send goes to a vendor in a process of its own, which notes when each request came. A tail is
the last 10 seconds. Figures are parts of the rate that was asked. They need a machine with time to
spare: a task that gets no processor for long loses more than may be made up for.
"""

import argparse
import asyncio
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from measure import ENVIRONMENT, machine, say, table

import segcli.spark
from segcli.spark.session import start_session

_TAIL = 10.0
_USERS = 2000
_CONF = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_REPLY = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"


def main() -> None:
    asked = _arguments()
    if asked.serve:
        asyncio.run(_serve())
        return
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    with tempfile.TemporaryDirectory() as name, _vendor() as (vendor, url):
        spark = start_session(asked.master, "bench", conf=_CONF, java_home=None)
        spark.sparkContext.setLogLevel("OFF")
        rows = []
        for rate in asked.rates:
            folder = Path(name) / f"{rate}"
            _write_events(folder, rate * asked.seconds)
            for buckets in asked.buckets:
                state = Path(name) / f"state-{rate}-{buckets}"
                _send(spark, folder, url, state, rate, buckets)
                times = _times(vendor)
                assert len(times) >= rate * asked.seconds
                sent = [f"{rate}", f"{buckets}", f"{len(times):,}", f"{_log_objects(state):,}"]
                rows.append([*sent, *_figures(times, rate)])
        spark.stop()
    say(f"{asked.master}, load {os.getloadavg()[0]:.1f}; {machine()}")
    names = [
        "rate",
        "buckets",
        "requests",
        "log objects",
        "whole",
        "tail",
        "any second",
        "longest pause",
    ]
    say(table(names, rows))


def _send(spark: Any, folder: Path, url: str, state: Path, rate: int, buckets: int) -> None:
    report = segcli.spark.send(
        spark,
        folder,
        dest="webhook",
        settings={"endpoint": url},
        state=state,
        rate=rate,
        buckets=buckets,
        by_day=False,
    )
    assert report.ok


def _figures(times: list[float], rate: int) -> list[str]:
    """Return the requests of the whole, of the tail and of the fullest second, beside the rate."""
    first, last = times[0], times[-1]
    whole = (len(times) - 1) / (last - first) / rate
    tail = sum(one > last - _TAIL for one in times) / _TAIL / rate
    most, begin = 0, 0
    for at, one in enumerate(times):
        while one - times[begin] >= 1.0:
            begin += 1
        most = max(most, at - begin + 1)
    pause = max(b - a for a, b in pairwise(times))
    return [f"{whole:.3f}", f"{tail:.3f}", f"{most / rate:.3f}", f"{pause:.2f} s"]


def _log_objects(state: Path) -> int:
    """Return how many objects the logs of all buckets have had, those that were removed too."""
    logs = (state / "waves").glob("*/buckets/*")
    return sum(max(int(one.name.split(".")[0]) for one in log.iterdir()) for log in logs)


def _write_events(folder: Path, count: int) -> None:
    folder.mkdir()
    for part in range(4):
        lines = [
            json.dumps(
                {
                    "type": "track",
                    "event": "Counted",
                    "userId": f"u{number % _USERS}",
                    "messageId": f"m{number}",
                    "properties": {"note": "x" * 400},
                }
            )
            for number in range(part, count, 4)
        ]
        (folder / f"{part}.gz").write_bytes(gzip.compress("\n".join(lines).encode(), 1))


def _times(vendor: "subprocess.Popen[str]") -> list[float]:
    """Return the times of all requests since the last call."""
    assert vendor.stdin
    assert vendor.stdout
    vendor.stdin.write("\n")
    vendor.stdin.flush()
    return [float(one) for one in json.loads(vendor.stdout.readline())]


@contextmanager
def _vendor() -> Iterator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, __file__, "--serve"]
    how: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=ENVIRONMENT, **how) as vendor:
        try:
            yield vendor, vendor.stdout.readline().strip()
        finally:
            vendor.kill()


async def _serve() -> None:
    """Serve a vendor; print its address, and for each line of stdin the times of requests."""
    times: list[float] = []

    class Connection(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self._transport, self._left, self._head = transport, 0, b""

        def data_received(self, data: bytes) -> None:
            self._head += data
            while b"\r\n\r\n" in self._head:
                head, _, rest = self._head.partition(b"\r\n\r\n")
                _, _, length = head.lower().partition(b"content-length:")
                size = int(length.split(b"\r\n")[0])
                if len(rest) < size:
                    return
                self._head = rest[size:]
                times.append(time.monotonic())
                self._transport.write(_REPLY)  # type: ignore[attr-defined]

    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, "127.0.0.1", 0)
    say(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    sys.stdout.flush()
    while await loop.run_in_executor(None, sys.stdin.readline):
        say(json.dumps(times))
        sys.stdout.flush()
        times.clear()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="+", default=[80, 400])
    parser.add_argument("--buckets", type=int, nargs="+", default=[1, 2, 8])
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
