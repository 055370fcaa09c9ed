"""The options that `send` and `engage` share: how to send requests, and how to rehearse."""

from dataclasses import dataclass
from pathlib import Path

import click

from segcli.cli.option_types import DURATION, RATE, SOME_TIME, Quantity, WholeNumber
from segcli.cli.options import grouped_options
from segcli.sandbox import FAULT_EXAMPLES, Fault, parse_fault

FAULT = Quantity("fault", parse_fault, FAULT_EXAMPLES)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestOptions:
    """How requests are sent.

    concurrency: the most requests in flight
    rate: the most requests a second; None for no limit
    timeout: seconds for a request and its reply
    retry_for: seconds in which the vendor neither accepts nor refuses an event, until the run stops
    http_transport: what carries the requests; None for the default
    allow_http: whether a key may go to another machine over http://
    """

    concurrency: int
    rate: float | None
    timeout: float
    retry_for: float
    http_transport: str | None
    allow_http: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxOptions:
    """Whether to send to a sandbox, and how it behaves.

    sandbox: whether to use one
    fault: the faults that it plays
    latency: seconds before it answers
    seed: repeats the same faults for the same requests; None for other ones in each run
    keep: the file for everything that it accepts; None for none
    """

    sandbox: bool
    fault: tuple[Fault, ...]
    latency: float
    seed: int | None
    keep: Path | None


REQUEST_OPTIONS = grouped_options(
    RequestOptions,
    "request_options",
    click.option(
        "--concurrency",
        metavar="N",
        type=WholeNumber(1, 1000),
        default=10,
        show_default=True,
        help="At most N requests in flight.",
    ),
    click.option(
        "--rate", type=RATE, metavar="RATE", help="At most this many requests: 50/s or 3000/min."
    ),
    click.option(
        "--timeout",
        type=SOME_TIME,
        metavar="TIME",
        default=30.0,
        help="How long a request and its reply may take.  [default: 30s]",
    ),
    click.option(
        "--retry-for",
        type=DURATION,
        metavar="TIME",
        default=600.0,
        help="Stop after this long without a successful delivery.  [default: 10min]",
    ),
    click.option(
        "--http-transport",
        type=click.Choice(["aiohttp", "httpx"]),
        metavar="NAME",
        help="The HTTP library that sends: aiohttp, which is faster, or httpx.  [default: aiohttp]",
    ),
    click.option(
        "--allow-http",
        is_flag=True,
        help="Let a key go to another machine over http://, where others can read it.",
    ),
)
SEED_OPTION = click.option(
    "--seed",
    metavar="N",
    type=int,
    help="Repeat the same faults for the same requests in every run.",
)
SANDBOX_OPTIONS = grouped_options(
    SandboxOptions,
    "sandbox_options",
    click.option(
        "--sandbox",
        is_flag=True,
        help="Rehearse: send to a stand-in for the vendor on this machine. No key needed.",
    ),
    click.option(
        "--fault",
        type=FAULT,
        metavar="KIND:SHARE",
        multiple=True,
        help=f"Make the sandbox fail: {FAULT_EXAMPLES} (repeatable).",
    ),
    click.option(
        "--latency",
        type=DURATION,
        metavar="TIME",
        default=0.0,
        help="How long the sandbox takes to answer.",
    ),
    SEED_OPTION,
    click.option(
        "--keep",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append everything that the sandbox accepts to this file.",
    ),
)
