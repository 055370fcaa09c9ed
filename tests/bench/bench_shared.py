"""What a shared journal costs: the throughput of `send` with one in S3 and with one in a file.

    python tests/bench/bench_shared.py [--events N] [--users N] [--pairs N] [--concurrency N]
        [--put SECONDS]

The runs take turns, each pair in the other order. The sandbox and S3 (moto, which waits before it
answers a PUT) are processes of their own. The next event of a user waits for the put of the last
one, so few users leave at most users / (put + request) events a second. Only the ratio carries
over to other machines.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from measure import ENVIRONMENT, SEGCLI, machine, say, table

BUCKET = "bench"
KEYS = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
VENDORS = {"webhook": ("", 1), "segment": ("/v1", 12)}
Figures = tuple[float, float]


def main() -> None:
    asked = _arguments()
    if asked.serve:
        _serve(asked.put)
    with tempfile.TemporaryDirectory() as name, _started(asked) as (sandbox, s3):
        folder = Path(name)
        environment = {**ENVIRONMENT, **KEYS, "AWS_ENDPOINT_URL": s3}
        rows = []
        for vendor, (path, times) in VENDORS.items():
            _write_events(folder / "events.jsonl", asked.events * times, asked.users)
            to = [
                "-d",
                vendor,
                "--endpoint",
                f"{sandbox}/{vendor}{path}",
                "--set",
                "api_key=key-of-the-sandbox",
            ]
            command = [*SEGCLI, "send", *to, "--concurrency", str(asked.concurrency), "--quiet"]
            pairs = [_pair(command, folder, environment, turn) for turn in range(asked.pairs)]
            rows += [_row(vendor, pair) for pair in pairs]
            ratio = statistics.median(shared[0] / local[0] for local, shared in pairs)
            rows.append([f"{vendor}, median", "", "", f"{ratio:.2f}", ""])
        say(f"{machine()}; a put takes {asked.put * 1000:g} ms, {asked.concurrency} in flight\n")
        say(table(["events a second", "file", "S3", "ratio", "client CPU, s"], rows))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--users", type=int, default=5000)
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--put", type=float, default=0.03, help="seconds that a PUT takes at least")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _serve(seconds: float) -> None:
    """Serve S3 and print its address."""
    from moto.server import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"

        def log(self, *_: object) -> None:
            """Say nothing."""

    app = DomainDispatcherApplication(create_backend_app)

    def slow(environ: dict[str, Any], start: Any) -> Any:
        if environ["REQUEST_METHOD"] == "PUT":
            time.sleep(seconds)
        return app(environ, start)

    server = make_server("127.0.0.1", 0, slow, threaded=True, request_handler=Quiet)
    say(f"http://127.0.0.1:{server.server_port}")
    server.serve_forever()


@contextmanager
def _started(asked: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Start the sandbox and S3; yield their addresses."""
    import boto3

    sandbox = [*SEGCLI, "sandbox", "--port", "0"]
    serving = [sys.executable, __file__, "--serve", "--put", str(asked.put)]
    how: dict[str, Any] = {"stdout": subprocess.PIPE, "text": True, "env": ENVIRONMENT}
    with subprocess.Popen(sandbox, **how) as one, subprocess.Popen(serving, **how) as other:
        try:
            url = one.stdout.readline().partition("listens at ")[2].partition(";")[0]
            s3 = other.stdout.readline().strip()
            os.environ.update(KEYS)
            boto3.client("s3", endpoint_url=s3).create_bucket(Bucket=BUCKET)
            yield url, s3
        finally:
            one.kill()
            other.kill()


def _write_events(path: Path, count: int, users: int) -> None:
    with path.open("w") as file:
        for number in range(count):
            event = {
                "type": "track",
                "event": "Order Completed",
                "userId": f"u{number % users}",
                "messageId": f"m{number}",
                "timestamp": "2026-02-03T10:11:12.000Z",
                "properties": {"order": number, "note": "x" * 700},
            }
            file.write(json.dumps(event) + "\n")


def _pair(
    command: list[str], folder: Path, environment: dict[str, str], turn: int
) -> tuple[Figures, Figures]:
    journals = [str(folder / "a.journal"), f"s3://{BUCKET}/{folder.name}-{turn}"]
    places = journals if turn % 2 else journals[::-1]
    found = {place: _run([*command, "--journal", place], folder, environment) for place in places}
    return found[journals[0]], found[journals[1]]


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> Figures:
    """Run once; return the events a second of the delivery, and the client's CPU seconds."""
    report, before = folder / "report.json", os.times()
    files = ["--report", str(report), "--rejects", str(folder / "rejects")]
    subprocess.run(
        [*command, *files, str(folder / "events.jsonl")],
        check=True,
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    after, found = os.times(), json.loads(report.read_bytes())
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return found["ledger"]["delivered"] / found["seconds"], cpu


def _row(name: str, pair: tuple[Figures, Figures]) -> list[str]:
    (local, cpu), (shared, cpu_shared) = pair
    ratio = f"{shared / local:.2f}"
    return [name, f"{local:,.0f}", f"{shared:,.0f}", ratio, f"{cpu:.2f} / {cpu_shared:.2f}"]


if __name__ == "__main__":
    main()
