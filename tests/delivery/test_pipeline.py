"""A run reads its input without a pause, and at its end waits for the requests in flight."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.fakes import clock, job_to, play, track, write_events

from segcli.accounting.tally import Tally
from segcli.delivery import pipeline
from segcli.delivery.pipeline import SendRun
from segcli.lines import chunks


async def without_a_thread(items: Iterator[Any]) -> AsyncIterator[Any]:
    for item in items:
        yield item


def test_other_tasks_run_between_inputs_without_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "read_ahead", without_a_thread)
    files = [write_events(tmp_path / f"{number}", [track(number)]) for number in range(10)]
    inputs = chunks.inputs([str(path) for path in files])
    job = job_to("webhook", "https://acme.example")
    tally = Tally()

    async def story() -> tuple[list[int], float]:
        delivery = pipeline._Delivery(
            SendRun(job=job, inputs=inputs, rejects=tmp_path / "rejects"), tally
        )
        began = clock()
        feeding = asyncio.create_task(delivery._feed())
        read: list[int] = []
        while not feeding.done():
            await asyncio.sleep(0)
            read.append(tally.read)
        await feeding
        return read, clock() - began

    read, took = play(story())

    assert took == 0
    assert list(dict.fromkeys(read)) == list(range(1, 11))


def test_stopped_run_waits_for_requests_in_flight_up_to_the_grace_time(tmp_path: Path) -> None:
    async def story() -> list[float]:
        took = []
        for seconds in (2.0, pipeline.GRACE + 5):
            delivery = pipeline._Delivery(
                SendRun(
                    job=job_to("webhook", "https://acme.example"),
                    inputs=[],
                    rejects=tmp_path / "rejects",
                ),
                Tally(),
            )
            began = clock()
            await delivery._grace(asyncio.gather(asyncio.sleep(seconds), return_exceptions=True))
            took.append(clock() - began)
        return took

    assert play(story()) == [2.0, pipeline.GRACE]
