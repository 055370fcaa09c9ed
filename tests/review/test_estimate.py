"""The plan counts the requests of full batches, their bytes, and the time at a given rate."""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.acme import ACME
from support.fakes import item
from support.samples import job_for, line_of
from support.tables import for_each

from segcli.core.destination import Limits
from segcli.core.outcome import Job, Mapped, outcome_of
from segcli.delivery.batch import Batch, Bounds
from segcli.review.estimate import Estimate

SIZES = st.lists(st.integers(0, 12), max_size=40)
ROUTES = st.sampled_from(["/a", "/b"])


def job_with(limits: Limits) -> Job:
    return Job(destination=replace(ACME, limits=limits), settings=ACME.settings())


def planned(job: Job, payloads: Sequence[Mapped]) -> Estimate:
    plan = Estimate(job)
    for payload in payloads:
        plan.add(payload.route, [len(payload.body)])
    return plan


def of_size(size: int, route: str = "/a") -> Mapped:
    return Mapped(route, b"x" * size, "u1")


def requests_taken(payloads: Sequence[Mapped], bounds: Bounds) -> int:
    """Return how many requests these payloads, all of one route, are sent in."""
    queue, requests = deque(item(payload.body) for payload in payloads), 0
    while queue:
        batch = Batch(bounds)
        while queue and batch.takes(queue[0]):
            batch.add(queue.popleft())
        requests += 1
    return requests


@given(SIZES, st.integers(1, 6), st.none() | st.integers(1, 40))
def test_estimated_requests_of_a_route_match_sending(
    sizes: list[int], events: int, most: int | None
) -> None:
    payloads = [of_size(size) for size in sizes]
    plan = planned(job_with(Limits(events=events, bytes=most)), payloads)

    requests = sum(route.requests for route in plan.routes())
    assert requests == requests_taken(payloads, Bounds(events, most))


@given(st.lists(st.builds(of_size, st.integers(0, 12), ROUTES), max_size=30))
def test_routes_fill_their_batches_separately(payloads: list[Mapped]) -> None:
    bounds = Bounds(3, 20)
    plan = planned(job_with(Limits(events=3, bytes=20)), payloads)

    for route in plan.routes():
        own = [payload for payload in payloads if payload.route == route.route]
        assert route.requests == requests_taken(own, bounds)


def test_a_route_has_its_events_bytes_and_largest_payload() -> None:
    payloads = [of_size(5, "/b"), of_size(3), of_size(9, "/b"), of_size(7, "/b")]

    found = [
        (route.route, route.events, route.bytes, route.largest)
        for route in planned(job_with(Limits()), payloads).routes()
    ]

    assert found == [("/b", 3, 21, 9), ("/a", 1, 3, 3)]


@pytest.mark.parametrize(("batch", "requests"), [("1", 120), ("50", 3), ("119", 2), ("120", 1)])
def test_gist_contacts_are_batched_if_set_and_events_never(batch: str, requests: int) -> None:
    job = job_for("gist", batch=batch)
    contacts = [
        line_of(type="identify", userId=f"u{n}", traits={"email": "a@example.com"})
        for n in range(120)
    ]
    payloads = [outcome_of(line, job) for line in [*contacts, line_of(), line_of()]]

    plan = planned(job, [one for one in payloads if isinstance(one, Mapped)])

    assert [route.requests for route in plan.routes()] == [requests, 2]


@for_each(
    ("asked", "own", "seconds"),
    [
        (None, None, None),
        (2.0, None, 5.0),
        (None, 4.0, 2.5),
        (2.0, 4.0, 5.0),
        (8.0, 4.0, 2.5),
    ],
)
def test_lower_rate_determines_the_estimated_time(
    asked: float | None, own: float | None, seconds: float | None
) -> None:
    plan = planned(job_with(Limits(events=2, rate=own)), [of_size(1)] * 20)

    assert plan.seconds(asked) == seconds


@for_each(
    ("own", "of_a", "of_b", "seconds"),
    [
        (None, 2.0, None, 10.0),
        (4.0, 2.0, None, 10.0),
        (1.0, 2.0, None, 25.0),
        (None, 2.0, 0.2, 25.0),
    ],
)
def test_rate_of_a_route_determines_the_estimated_time_of_its_requests(
    own: float | None, of_a: float | None, of_b: float | None, seconds: float
) -> None:
    job = job_with(Limits(rate=own))
    limits = {"/a": Limits(rate=of_a), "/b": Limits(rate=of_b)}
    job = replace(job, destination=replace(job.destination, route_limits=limits))
    payloads = [of_size(1)] * 20 + [of_size(1, "/b")] * 5

    assert planned(job, payloads).seconds(None) == seconds


def test_nothing_to_send_takes_no_time() -> None:
    plan = planned(job_with(Limits(rate=10.0)), [])

    assert (plan.routes(), plan.seconds(1.0)) == ([], 0.0)
