"""A batch is a run of one route, in order, within the bounds."""

from collections import deque
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.fakes import item

from segcli.core.line import Line, TooLong
from segcli.core.outcome import Mapped
from segcli.delivery.batch import Batch, Bounds, QueuedPayload, halves, item_of

ITEMS = st.lists(
    st.builds(
        item, st.integers(0, 12).map(lambda size: b"x" * size), route=st.sampled_from(["/a", "/b"])
    ),
    min_size=1,
    max_size=30,
)
BOUNDS = st.builds(Bounds, st.integers(1, 6), st.one_of(st.none(), st.integers(1, 40)))


def batches(items: Sequence[QueuedPayload], bounds: Bounds) -> list[list[QueuedPayload]]:
    queue, found = deque(items), []
    while queue:
        batch = Batch(bounds)
        while queue and batch.takes(queue[0]):
            batch.add(queue.popleft())
        found.append(batch.items)
    return found


def joined(batch: Sequence[QueuedPayload]) -> bytes:
    return b",".join(item.body for item in batch)


def fits(batch: Sequence[QueuedPayload], bounds: Bounds) -> bool:
    return (
        len({item.route for item in batch}) == 1
        and len(batch) <= bounds.events
        and (bounds.bytes is None or len(joined(batch)) <= bounds.bytes)
    )


@given(ITEMS, BOUNDS)
def test_batches_contain_every_item_once_in_order(
    items: list[QueuedPayload], bounds: Bounds
) -> None:
    assert [item for batch in batches(items, bounds) for item in batch] == items


@given(ITEMS, BOUNDS)
def test_a_batch_is_within_the_bounds_or_a_single_item(
    items: list[QueuedPayload], bounds: Bounds
) -> None:
    assert all(fits(batch, bounds) or len(batch) == 1 for batch in batches(items, bounds))


@given(ITEMS, BOUNDS)
def test_batch_is_filled_up_to_its_bounds(items: list[QueuedPayload], bounds: Bounds) -> None:
    found = batches(items, bounds)

    for batch, following in pairwise(found):
        assert not fits([*batch, following[0]], bounds)


def test_batch_size_includes_commas_and_may_equal_the_bound() -> None:
    items = [item(b"12345"), item(b"1234")]

    assert len(batches(items, Bounds(9, 10))) == 1
    assert len(batches(items, Bounds(9, 9))) == 2


def test_item_larger_than_the_bound_is_sent_alone() -> None:
    sizes = [[len(item.body) for item in batch] for batch in batches(
        [item(b"1"), item(b"1" * 99), item(b"1")], Bounds(9, 10)
    )]  # fmt: skip

    assert sizes == [[1], [99], [1]]


@pytest.mark.parametrize("count", [2, 3, 8, 2_499])
def test_halves_of_a_batch_keep_the_order(count: int) -> None:
    whole = [item(b"", number=number) for number in range(count)]
    first, second = halves(whole)

    assert [*first, *second] == whole
    assert max(len(first), len(second)) == (count + 1) // 2


def test_item_weight_counts_payload_line_and_python_overhead() -> None:
    def weight(text: bytes | TooLong, body: bytes) -> int:
        return item_of(Line("f", 1, text), Mapped("/", body, "u"), Bounds(1)).weight

    line = b"x" * 10
    assert weight(line, b"12345") == weight(b"", b"") + 15
    assert weight(line, line) == weight(b"", b"") + 10
    assert weight(TooLong(9_000, b"head"), b"123") == weight(b"", b"") + 3
    assert 500 < weight(b"", b"") < 1_000
