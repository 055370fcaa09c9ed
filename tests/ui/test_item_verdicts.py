"""What a reply means for each event of a request, in the words of the destination."""

from typing import Any

import orjson
from support.tables import for_each

from segcli.core.item_replies import Items, by_item
from segcli.core.reply import Reply, by_status
from segcli.sandbox import MOST_REPLY_BYTES, Exchange
from segcli.sandbox.exchange import ItemVerdict
from segcli.ui.item_verdicts import ReadReply, ReplyVerdicts, ShownVerdict, judged

READ = by_item(Items(list="errors", index="at", status="code", reason="why"))
DELIVERED = ShownVerdict("delivered")


def exchange(status: int | None, reply: Any, events: int = 2) -> Exchange:
    return Exchange(
        at=0.0,
        vendor="acme",
        method="POST",
        route="/",
        status=status,
        fault="timeout" if status is None else "",
        items=[ItemVerdict(f"u{n}", 200, b'{"id":%d}' % n) for n in range(events)],
        user="",
        headers={},
        body=b"",
        reply=reply if isinstance(reply, bytes) else orjson.dumps(reply),
    )


def errors(*entries: tuple[int, int, str]) -> Any:
    return {"errors": [{"at": at, "code": code, "why": why} for at, code, why in entries]}


def test_each_event_has_its_verdict_and_the_reason_of_the_vendor() -> None:
    found = judged(exchange(207, errors((1, 422, "no total"), (2, 503, "busy")), 3), READ)

    assert found.whole is None
    assert found.items == (
        DELIVERED,
        ShownVerdict("refused", "422: no total"),
        ShownVerdict("to be sent again", "503: busy"),
    )


def test_events_that_others_keep_out_are_sent_again() -> None:
    read = by_item(Items(indexes=("bad",), retry_indexes=("later",), unnamed="retry"))
    found = judged(exchange(200, {"bad": {"no id": [0]}, "later": [1]}, 3), read)

    assert found.items == (
        ShownVerdict("refused", "bad: no id"),
        ShownVerdict("to be sent again", "later"),
        ShownVerdict("to be sent again", "others of its request were not taken"),
    )


def test_event_that_is_named_by_a_value_is_found() -> None:
    found = judged(exchange(200, {"unknown": ["1"]}), by_item(Items(match={"unknown": "id"})))

    assert found.items == (DELIVERED, ShownVerdict("refused", "unknown"))


@for_each(
    ("status", "reply", "said"),
    [
        (200, b"{}", DELIVERED),
        (503, b"", ShownVerdict("to be sent again", "HTTP 503")),
        (422, b"no", ShownVerdict("refused", "HTTP 422: no")),
        (401, b"", ShownVerdict("stops a run", "HTTP 401")),
        (None, b"", ShownVerdict("to be sent again", "no reply: timeout")),
    ],
)
def test_reply_about_the_whole_request(status: int | None, reply: bytes, said: Any) -> None:
    found = judged(exchange(status, reply), by_status)

    assert found.whole == said
    assert found.items == (said, said)


def test_reply_that_cannot_be_read_stops_a_run() -> None:
    def broken(_: Reply) -> Any:
        raise KeyError("x")

    reads: list[tuple[ReadReply, bytes, str]] = [
        (READ, b"{", "its body is not JSON"),
        (READ, orjson.dumps(errors((7, 422, ""))), "for item 7"),
        (READ, b" " * MOST_REPLY_BYTES, "a body that is too long"),
        (broken, b"", "the reply cannot be read: KeyError('x')"),
    ]
    for read, reply, reason in reads:
        found: ReplyVerdicts = judged(exchange(200, reply), read)
        assert found.whole is not None
        assert found.whole.verdict == "stops a run"
        assert reason in found.whole.reason
