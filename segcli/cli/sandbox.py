"""`segcli sandbox`: the stand-in for every vendor, in a terminal of its own."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from segcli import destinations
from segcli.cli.options import packed
from segcli.cli.quantities import DURATION, RATE
from segcli.cli.sending import FAULT
from segcli.errors import UsageError
from segcli.sandbox import Fault, Script, Standin, serve


@dataclass(frozen=True, slots=True, kw_only=True)
class StageOptions:
    """What the sandbox plays; the fields are those of `Script`."""

    key: str
    fault: tuple[Fault, ...]
    latency: float
    rate: float | None
    retry_after: float
    poison: str | None
    seed: int | None
    keep: Path | None


@click.command("sandbox")
@click.option("--port", metavar="N", type=click.IntRange(0, 65535), default=8765, show_default=True)
@packed(
    StageOptions,
    "stage",
    click.option("--key", metavar="TEXT", default="sandbox", show_default=True, help="The key."),
    click.option(
        "--fault",
        type=FAULT,
        metavar="KIND:SHARE",
        multiple=True,
        help="Fail so often: 503:5%, 429:2%, reset:1%, timeout:1% (repeatable).",
    ),
    click.option(
        "--latency", type=DURATION, metavar="TIME", default=0.0, help="Answer after so long."
    ),
    click.option(
        "--rate", type=RATE, metavar="RATE", help="Take so many requests; answer 429 above that."
    ),
    click.option(
        "--retry-after",
        type=DURATION,
        metavar="TIME",
        default=1.0,
        help="The Retry-After of 429.  [default: 1s]",
    ),
    click.option("--poison", metavar="TEXT", help="Refuse payloads that contain this text."),
    click.option("--seed", metavar="N", type=int, help="Play the same faults again."),
    click.option(
        "--keep",
        metavar="PATH",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Append every accepted payload to this file.",
    ),
)
def command(port: int, stage: StageOptions) -> int:
    """Stand in for every vendor on this machine.

    It checks route, key and body as the vendor would, keeps counts, and plays faults.
    GET /_sandbox tells what it got.
    """
    script = Script(
        key=stage.key,
        faults=stage.fault,
        latency=stage.latency,
        rate=stage.rate,
        retry_after=stage.retry_after,
        poison=stage.poison,
        seed=stage.seed,
        keep=stage.keep,
    )
    try:
        serve(script, port=port, started=partial(_announce, key=stage.key))
    except OSError as error:
        raise UsageError(
            f"the sandbox cannot listen on port {port}: {error.strerror}",
            "Name another one: --port N, or --port 0 for a free one",
        ) from None
    return 0


def _announce(standin: Standin, *, key: str) -> None:
    click.echo(
        f"The sandbox listens at {standin.url}; Ctrl-C ends it. What it got: {standin.url}/_sandbox"
    )
    click.echo("Send to it with:")
    for name in destinations.BUILT_IN:
        click.echo(f"  segcli send --dest {name} --endpoint {standin.endpoint(name)}")
    click.echo(f"and the key {key!r} in SEGCLI_<DEST>_API_KEY.")
