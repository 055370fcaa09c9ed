"""A batch sender on a simulated clock, and a vendor `acme` with scripted replies."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from support.fakes import clock, item, play

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.destination import Destination, Limits, Payload, Request
from segcli.core.outcome import Job
from segcli.core.reply import Reply, Verdict, by_status
from segcli.core.secret import Secret
from segcli.delivery.batch import QueuedPayload
from segcli.delivery.ledger import Ledger
from segcli.delivery.retry import BatchSender
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle
from segcli.http.client import NoReply, Post

T = TypeVar("T")


@dataclass(slots=True)
class RetryHarness:
    """A sender for a vendor `acme` that takes many events a request, and what it writes to."""

    sender: BatchSender
    tally: Tally
    rejects: Rejects
    latency: float
    posts: list[tuple[float, list[bytes]]] = field(default_factory=list)
    taken: list[bytes] = field(default_factory=list)

    def to(self, answers: Callable[[list[bytes]], Reply | NoReply]) -> Post:
        """Return what posts a request to a vendor that answers like this."""

        async def post(request: Request) -> Reply | NoReply:
            bodies = request.body.split(b",")
            self.posts.append((clock(), bodies))
            await asyncio.sleep(self.latency)
            reply = answers(bodies)
            if isinstance(reply, Reply) and reply.status == 200:
                self.taken += bodies
            return reply

        return post

    async def send(self, count: int, answers: Callable[[list[bytes]], Reply | NoReply]) -> None:
        """Send a batch of this many events: their bodies are their numbers, from 0 on."""
        await self.sender.send(batch_of(count), self.to(answers))

    def play(self, story: Coroutine[Any, Any, T]) -> T:
        """Run a story of this sender to its end."""
        try:
            return play(story)
        finally:
            self.rejects.close()

    def times(self) -> list[float]:
        """Return when each request went out, after the first."""
        return [at - self.posts[0][0] for at, _ in self.posts]


def batch_of(count: int) -> list[QueuedPayload]:
    return [item(b"%d" % number, number=number) for number in range(count)]


def retry_harness(
    path: Path,
    *,
    verdict: Callable[[Reply], Verdict] = by_status,
    latency: float = 0.0,
    **more: Any,
) -> RetryHarness:
    """Return a sender with the clock of the test, whose random share is always 1."""
    job = Job(destination=acme(verdict), settings=AcmeSettings())
    tally, stop_signal, rejects = Tally(), StopSignal(), Rejects(path)
    sender = BatchSender(
        job=job,
        throttle=Throttle(in_flight=16, rate=None, stop_signal=stop_signal, now=clock),
        stop_signal=stop_signal,
        ledger=Ledger(tally, rejects),
        tally=tally,
        now=clock,
        sleep=stop_signal.sleep,
        **({"retry_for": 600.0, "chance": lambda: 1.0} | more),
    )
    return RetryHarness(sender, tally, rejects, latency)


@dataclass(frozen=True, slots=True)
class AcmeSettings:
    """What the vendor of these tests needs to be known."""

    api_key: Secret = Secret("the-key-of-acme")
    endpoint: str = "https://acme.example"


def acme(verdict: Callable[[Reply], Verdict]) -> Destination[AcmeSettings]:
    return Destination(
        name="acme",
        label="Acme",
        settings=AcmeSettings,
        types=frozenset({"track"}),
        payload=lambda event, _settings: Payload("/", event.raw),
        request=lambda route, bodies, settings: Request(
            settings.endpoint + route, b",".join(bodies)
        ),
        verdict=verdict,
        limits=Limits(events=100),
    )
