"""The limits of a single user: events a second and a day, without holding back other users."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.fakes import clock, item, play
from support.pipelines import Pipeline, pipeline
from support.retry_harness import batch_of, retry_harness
from support.tables import for_each

from segcli.core.replay import DAY, Replay, UserLimits
from segcli.core.reply import Reply
from segcli.delivery.batch import QueuedPayload
from segcli.delivery.user_throttle import UserThrottle
from segcli.errors import Stopped

OK = Reply(200, {}, b"")


async def taken(_: list[bytes]) -> Reply:
    await asyncio.sleep(0.01)
    return OK


def of_users(*users: str) -> list[QueuedPayload]:
    return [
        item(f"{user}{number}".encode(), user=user, number=number)
        for number, user in enumerate(users)
    ]


def sent(
    folder: Path, items: Sequence[QueuedPayload], limits: UserLimits, **more: Any
) -> tuple[Pipeline, float]:
    async def story() -> tuple[Pipeline, float]:
        line = pipeline(
            folder, concurrency=4, user_throttle=UserThrottle("acme", limits, clock), **more
        )
        began = clock()
        await line.send(items, taken)
        return line, clock() - began

    return play(story())


@for_each("events", [1, 20])
def test_a_user_sends_no_more_events_a_second_than_the_vendor_takes(
    tmp_path: Path, events: int
) -> None:
    line, seconds = sent(tmp_path, of_users(*["a"] * 50), UserLimits(rate=10), events=events)
    assert line.tally.delivered >= 50
    times = [at for at, bodies in line.posts for _ in bodies]
    for first in range(40):
        assert times[first + 10] - times[first] > 0.99
    assert 3.9 < seconds < 6


def test_other_users_go_ahead_of_one_that_has_to_wait(tmp_path: Path) -> None:
    items = of_users(*["a"] * 30, *"bcdefgh")
    line, seconds = sent(tmp_path, items, UserLimits(rate=10))
    [began, *_] = [at for at, _ in line.posts]
    others = [at for at, bodies in line.posts if not bodies[0].startswith(b"a")]
    assert max(others) - began < 0.3
    assert seconds > 1.9


def test_a_user_keeps_the_order_of_its_events(tmp_path: Path) -> None:
    line, _ = sent(tmp_path, of_users(*["a"] * 25), UserLimits(rate=10), events=4)
    bodies = [body for _, batch in line.posts for body in batch]
    assert bodies == [f"a{number}".encode() for number in range(25)]


@for_each("count", [5, 6])
def test_the_run_stops_once_only_users_at_their_day_limit_are_left(
    tmp_path: Path, count: int
) -> None:
    line, _ = sent(tmp_path, of_users(*["a"] * count, *"bc"), UserLimits(day=5), events=3)
    if count == 5:
        assert line.stop_signal.reason is None
        return
    stopped = line.stop_signal.reason
    assert isinstance(stopped, Stopped)
    assert stopped.exit_code == 3
    assert "acme takes 5 events of a user a day" in stopped.message
    assert "those of 1 user at this limit" in stopped.message
    assert "Resume at 20" in stopped.hint


def test_the_run_stops_if_such_users_fill_the_memory(tmp_path: Path) -> None:
    items = of_users(*["a"] * 60, "b")
    line, _ = sent(tmp_path, items, UserLimits(day=5), most=20 * items[0].weight)
    assert isinstance(line.stop_signal.reason, Stopped)
    assert "b60" not in [bodies[0].decode() for _, bodies in line.posts]


def test_a_day_later_the_rest_may_go() -> None:
    now = [1000.0]
    throttle = UserThrottle("acme", UserLimits(day=2), lambda: now[0])
    assert [throttle.try_take("a", 9) for _ in range(3)] == [True, True, False]
    assert throttle.wait("a", 1) == DAY
    now[0] += DAY
    assert throttle.wait("a", 1) == 0
    assert throttle.try_take("a", 9)


def test_a_run_is_to_be_resumed_when_the_day_of_all_users_is_over() -> None:
    now = [1000.0]
    throttle = UserThrottle("acme", UserLimits(day=1), lambda: now[0])
    for user in "ab":
        assert throttle.try_take(user, 1)
        now[0] += 3600
    before = datetime.now(UTC)
    found = re.search(r"Resume at (\S+ \S+) UTC", throttle.stopped("ab").hint)
    assert found
    at = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)

    over = timedelta(seconds=DAY - 3600)
    assert over <= at - before <= over + (datetime.now(UTC) - before) + timedelta(minutes=1)


@for_each("case", [(10, 1, 0.1), (10, 50, 1.0), (0.5, 3, 2.0)])
def test_a_user_waits_for_as_many_events_as_share_a_request_or_a_second(case: Any) -> None:
    rate, wanted, seconds = case
    throttle = UserThrottle("acme", UserLimits(rate=rate), lambda: 0.0)
    while throttle.try_take("a", wanted):
        pass
    assert throttle.wait("a", wanted) == pytest.approx(seconds)
    assert throttle.wait("b", wanted) == 0


def test_a_user_pauses_after_a_429_and_others_do_not(tmp_path: Path) -> None:
    answers = iter([Reply(429, {}, b""), OK])
    one = retry_harness(tmp_path / "rejects")
    facts = Replay(user=UserLimits(pause=30.0))
    one.sender.job = replace(
        one.sender.job, destination=replace(one.sender.job.destination, replay=facts)
    )
    one.sender.__post_init__()
    one.play(one.sender.send(batch_of(2), one.to(lambda _: next(answers))))
    assert one.times()[1] >= 30
    assert one.sender.throttle.paused_until == 0
