"""A batch is posted and retried until it is settled or the run stops."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import clock
from support.retry_harness import RetryHarness, batch_of, retry_harness
from support.samples import job_for

from segcli.accounting.rejects import Rejects
from segcli.accounting.tally import Tally
from segcli.core.reply import Partial, Reply, Retry, Verdict, by_status
from segcli.delivery.ledger import Ledger
from segcli.delivery.retry import BatchSender, backoff
from segcli.delivery.shutdown import StopSignal
from segcli.delivery.throttle import Throttle
from segcli.errors import Stopped
from segcli.http.client import NoReply

OK = Reply(200)


@pytest.fixture
def rejects(tmp_path: Path) -> Path:
    return tmp_path / "rejects.ndjson"


def then(*replies: Reply | NoReply) -> Callable[[list[bytes]], Reply | NoReply]:
    """Give these replies, then always 200."""
    left = list(replies)
    return lambda _bodies: left.pop(0) if left else OK


def send_one(
    found: RetryHarness, answers: Callable[[list[bytes]], Reply | NoReply]
) -> RetryHarness:
    found.play(found.send(1, answers))
    return found


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_backoff_is_a_random_share_of_a_bound_that_doubles_up_to_30_s(
    attempt: int, chance: float
) -> None:
    bound = min(30.0, 0.5 * 2.0 ** min(attempt - 1, 100))

    assert backoff(attempt, chance) == pytest.approx(chance * bound)
    assert backoff(attempt, 0) == 0


def test_backoff_of_a_batch_doubles_until_it_is_delivered(rejects: Path) -> None:
    found = send_one(retry_harness(rejects), then(*[Reply(500)] * 9))

    assert found.times() == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 61.5, 91.5, 121.5]
    assert (found.tally.delivered, found.tally.retries, found.tally.requests) == (1, 9, 10)


def test_backoff_is_the_random_share_of_the_bound(rejects: Path) -> None:
    chances = [0.5, 0.0, 0.25]
    found = send_one(retry_harness(rejects, chance=lambda: chances.pop(0)), then(*[Reply(500)] * 3))

    assert found.times() == [0, 0.25, 0.25, 0.75]


@pytest.mark.parametrize(
    "reply",
    [
        *[Reply(status) for status in (408, 423, 425, 429, 500, 502, 503, 504, 599)],
        NoReply("the connection was reset"),
    ],
    ids=lambda reply: str(getattr(reply, "status", "no reply")),
)
def test_temporary_failure_is_retried(reply: Reply | NoReply, rejects: Path) -> None:
    found = send_one(retry_harness(rejects), then(reply))

    assert (found.tally.delivered, found.taken) == (1, [b"0"])
    assert found.times() == [0, 0.5]


def test_retry_after_is_obeyed_exactly(rejects: Path) -> None:
    found = send_one(retry_harness(rejects), then(Reply(429, {"retry-after": "7"})))

    assert found.times() == [0, 7]


def test_retry_after_date_is_relative_to_the_date_header(rejects: Path) -> None:
    headers = {
        "date": "Tue, 03 Feb 2026 10:00:00 GMT",
        "retry-after": "Tue, 03 Feb 2026 10:00:42 GMT",
    }
    found = send_one(retry_harness(rejects), then(Reply(503, headers)))

    assert found.times() == [0, 42]


DATE = "Tue, 03 Feb 2026 10:00:00 GMT"


@pytest.mark.parametrize(
    "asked", ["0", "0.001", "-5", "soon", "Tue, 03 Feb 2026 09:00:00 GMT", DATE]
)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_wait_is_never_shorter_than_the_backoff(asked: str, status: int, rejects: Path) -> None:
    reply = Reply(status, {"date": DATE, "retry-after": asked})
    found = send_one(retry_harness(rejects), then(*[reply] * 5))

    assert found.times() == [0, 0.5, 1.5, 3.5, 7.5, 15.5]


def test_wait_is_the_larger_of_retry_after_and_backoff(rejects: Path) -> None:
    replies = [Reply(503, {"retry-after": asked}) for asked in ("1", "1", "1", "5", "0")]
    found = send_one(retry_harness(rejects), then(*replies))

    assert found.times() == [0, 1, 2, 4, 9, 17]


@pytest.mark.parametrize("after", [float("nan"), -1.0, float("-inf"), 0.0])
def test_invalid_wait_of_a_verdict_is_ignored(after: float, rejects: Path) -> None:
    verdicts: list[Verdict] = [Retry("later", after), Partial({}, frozenset({0}), after)]
    found = retry_harness(
        rejects, verdict=lambda reply: verdicts.pop(0) if verdicts else by_status(reply)
    )
    send_one(found, then())

    assert found.times() == [0, 0.5, 1.5]


def test_retry_after_pauses_all_workers(rejects: Path) -> None:
    found = retry_harness(rejects)

    async def story() -> None:
        post = found.to(then(Reply(429, {"retry-after": "7"})))
        sends = [found.sender.send(batch_of(1), post)]
        sends += [_later(1, found.sender.send(batch_of(1), post)) for _ in range(5)]
        await asyncio.gather(*sends)

    found.play(story())
    assert found.times() == [0] + [7] * 6


async def _later(seconds: float, work: "asyncio.Future[None]") -> None:
    await asyncio.sleep(seconds)
    await work


def test_backoff_delays_its_own_batch_only(rejects: Path) -> None:
    found = retry_harness(rejects)

    async def story() -> None:
        answers = then(Reply(500))
        await asyncio.gather(found.send(1, answers), _later(0.1, found.send(1, answers)))

    found.play(story())
    assert found.times() == pytest.approx([0, 0.1, 0.5])


@pytest.mark.parametrize(("status", "window"), [(429, 8), (503, 8), (500, 16), (408, 16)])
def test_only_429_and_503_shrink_the_congestion_window(
    status: int, window: float, rejects: Path
) -> None:
    found = retry_harness(rejects, latency=0.01)

    async def story() -> float:
        sends = [found.send(1, then(Reply(status))) for _ in range(10)]
        seen = []
        asyncio.get_running_loop().call_later(
            0.1, lambda: seen.append(found.sender.throttle.window)
        )
        await asyncio.gather(*sends)
        return seen[0]

    assert found.play(story()) == window


def test_run_stops_after_retry_for_without_a_delivery(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=100)
    found.play(found.send(3, lambda _: Reply(502)))
    stopped = found.sender.stop_signal.reason

    assert isinstance(stopped, Stopped)
    assert stopped.message == (
        "acme took nothing for 100 s; the last answer, at events:0, was: HTTP 502"
    )
    assert found.times()[-1] == 100
    assert (found.tally.delivered, found.tally.refused, rejects.exists()) == (0, 0, False)


def test_retry_for_0_tries_once(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=0)
    found.play(found.send(1, lambda _: Reply(502)))

    assert found.times() == [0]
    assert found.sender.stop_signal.is_stopped


def test_retry_after_longer_than_retry_for_stops_the_run_at_once(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=60)
    found.play(found.send(1, then(Reply(429, {"retry-after": "3600"}))))
    stopped = found.sender.stop_signal.reason

    assert isinstance(stopped, Stopped)
    assert "acme asks to wait 3600 s (HTTP 429), longer than --retry-for 60 s" in stopped.message
    assert found.times() == [0]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("9" * 400, "1000000000 s"),
        ("99999999999", "1000000000 s"),
        ("Fri, 31 Dec 9999 23:59:59 -2359", "1000000000 s"),
        ("Tue, 03 Feb 2026 15:31:01 +0530", "61 s"),
        ("Tue, 03 Feb 2026 05:01:01 EST", "61 s"),
        ("Tue, 03 Feb 2026 10:01:01 -0000", "61 s"),
    ],
)
def test_any_form_of_a_too_long_retry_after_stops_the_run_at_once(
    asked: str, said: str, rejects: Path
) -> None:
    found = retry_harness(rejects, retry_for=60)
    found.play(found.send(1, then(Reply(503, {"date": DATE, "retry-after": asked}))))
    stopped = found.sender.stop_signal.reason

    assert isinstance(stopped, Stopped)
    assert stopped.message == (f"acme asks to wait {said} (HTTP 503), longer than --retry-for 60 s")
    assert found.times() == [0]


def test_long_retry_after_is_obeyed_if_retry_for_is_longer(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=float("inf"))
    found.play(found.send(1, then(Reply(503, {"retry-after": "1000000"}))))

    assert found.times() == [0, 1_000_000]
    assert found.tally.delivered == 1


def test_retry_after_longer_than_the_rest_of_retry_for_stops_the_run(
    rejects: Path,
) -> None:
    found = retry_harness(rejects, retry_for=60)
    replies = [*[Reply(500)] * 6, Reply(503, {"retry-after": "40"})]
    found.play(found.send(1, then(*replies)))
    stopped = found.sender.stop_signal.reason

    assert isinstance(stopped, Stopped)
    assert stopped.message == (
        "acme asks to wait 40 s (HTTP 503), longer than what is left of --retry-for 60 s"
    )
    assert found.times()[-1] == 31.5


def test_delivery_by_another_worker_restarts_retry_for(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=100)

    async def story() -> None:
        began = clock()
        stuck = found.send(1, lambda _: Reply(500) if clock() < began + 250 else OK)
        others = [_later(at, found.send(1, then())) for at in (80.0, 160.0, 240.0)]
        await asyncio.gather(stuck, *others)

    found.play(story())
    assert not found.sender.stop_signal.is_stopped
    assert found.tally.delivered == 4


def test_retry_for_starts_at_the_first_failure(rejects: Path) -> None:
    found = retry_harness(rejects, retry_for=10)

    async def story() -> None:
        await found.send(1, then())
        await asyncio.sleep(3600)
        await found.send(1, then(Reply(500), Reply(500)))

    found.play(story())
    assert found.tally.delivered == 2


@pytest.mark.parametrize("status", [401, 403, 301, 302, 307, 308])
def test_authentication_failure_or_redirect_stops_the_run(status: int, rejects: Path) -> None:
    found = retry_harness(rejects)
    found.play(found.send(5, lambda _: Reply(status)))

    assert found.sender.stop_signal.is_stopped
    assert len(found.posts) == 1
    assert (found.tally.delivered, found.tally.refused, rejects.exists()) == (0, 0, False)


def test_untrusted_certificate_stops_the_run(rejects: Path) -> None:
    found = send_one(retry_harness(rejects), then(NoReply("certificate verify failed", final=True)))
    stopped = found.sender.stop_signal.reason

    assert isinstance(stopped, Stopped)
    assert "Check endpoint." in stopped.hint


def test_nothing_is_sent_while_the_run_is_stopping(rejects: Path) -> None:
    found = retry_harness(rejects)

    async def story() -> None:
        asyncio.get_running_loop().call_later(0.2, found.sender.stop_signal.stop, Stopped("enough"))
        await found.send(1, lambda _: Reply(503))
        await found.send(1, then())

    found.play(story())
    assert found.times() == [0]
    assert found.tally.delivered == 0


def test_only_replies_count_in_latencies(rejects: Path) -> None:
    found = send_one(retry_harness(rejects), then(NoReply("no answer within 30 s"), Reply(500)))

    assert found.tally.latencies.count == 2
    assert found.tally.requests == 3


def test_tally_has_the_reason_and_end_of_a_wait(rejects: Path) -> None:
    found = retry_harness(rejects)

    async def story() -> tuple[str, float]:
        carrying = asyncio.create_task(found.send(1, then(Reply(503, {"retry-after": "8"}))))
        await asyncio.sleep(3)
        waiting = found.tally.waiting
        await carrying
        assert waiting
        return waiting.reason, waiting.until - clock()

    assert found.play(story()) == ("HTTP 503", 0)


def test_repr_of_the_batch_sender_shows_no_key(tmp_path: Path) -> None:
    key = "sk_live_8f2b61c0d9e74a53"
    stop_signal = StopSignal()
    sender = BatchSender(
        job=job_for("webhook", endpoint="https://acme.example", api_key=key),
        throttle=Throttle(in_flight=1, rate=None, stop_signal=stop_signal),
        stop_signal=stop_signal,
        ledger=Ledger(Tally(), Rejects(tmp_path / "rejects")),
        tally=Tally(),
        retry_for=1.0,
        sleep=stop_signal.sleep,
    )

    assert sender.job.secrets()
    assert key not in repr(sender)
    assert "edactor" not in repr(sender)
