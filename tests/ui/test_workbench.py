"""The page behind its script: what is listed, mapped, edited, sent and shown."""

import gzip
import json
import re
import shlex
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.fakes import PATIENCE, track, tracks, wait_until, write_events
from support.pages import ACME, Page, page_of
from support.samples import SAMPLES
from support.tables import for_each

from segcli.runs.report import REPORT_VERSION
from segcli.ui.background_review import MAX_REVIEWED_LINES
from segcli.ui.search import EventQuery

PageOf = Callable[..., Page]
SECRET = "key-SECRET-0123456789"


@pytest.fixture
def open_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PageOf]:
    """Open a page; it is closed with the test."""
    monkeypatch.chdir(tmp_path)
    with ExitStack() as stack:
        yield lambda *files, **options: stack.enter_context(page_of(*files, **options))


@pytest.fixture
def acme(open_page: PageOf, tmp_path: Path) -> Page:
    """A page of some orders, with a destination file."""
    (tmp_path / "acme.toml").write_text(ACME)
    events = [track(n) | {"properties": {"total": n, "coupon": "X"}} for n in range(1, 4)]
    return open_page(write_events(tmp_path / "events.jsonl", events), dest="./acme.toml")


def searched(page: Page, **query: str) -> Any:
    page.post("api/search", **query)
    if page.bench._search is not None:
        page.bench._search.wait()
    return page.get("api/events", first=0, count=100)


def payload_of(details: dict[str, Any]) -> Any:
    text = "".join(
        f"{row.get('k', '')}{':' if 'k' in row else ''}{row['t']}"
        for row in details["payloads"][0]["rows"]
    )
    return json.loads(text)


def plots_in(html: str) -> list[str]:
    return re.findall(r"<figure.*?</figure>", html, re.DOTALL)


# events


def test_list_has_every_line_with_its_outcome(open_page: PageOf, tmp_path: Path) -> None:
    lines = [track(), b"{]", b"", {"type": "page", "userId": "u"}, track(2)]
    page = open_page(write_events(tmp_path / "events.jsonl", lines))
    found = page.get("api/events", first=0, count=100)

    assert [row["state"] for row in found["rows"]] == [
        *("mapped", "rejected", "skipped", "skipped", "mapped")
    ]
    assert [row["line"] for row in found["rows"]] == [1, 2, 3, 4, 5]
    assert (found["total"], found["done"]) == (5, True)
    assert found["rows"][1]["name"] == "{]"


def test_pages_follow_each_other_and_are_bounded(open_page: PageOf, tmp_path: Path) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(500)))
    first, second = (page.get("api/events", first=at, count=999)["rows"] for at in (0, 200))

    assert [row["at"] for row in (*first, *second)] == list(range(400))


@pytest.mark.parametrize(
    ("query", "lines"),
    [
        ({"text": "NEEDLE"}, [2]),
        ({"where": "properties.total >= 2"}, [2, 3]),
        ({"state": "rejected"}, [4]),
        ({"text": "needle", "where": "properties.total = 3"}, []),
        ({}, [1, 2, 3, 4]),
    ],
)
def test_list_is_searched_and_filtered(
    open_page: PageOf, tmp_path: Path, query: dict[str, str], lines: list[int]
) -> None:
    events = [track(n) | {"properties": {"total": n}} for n in (1, 2, 3)]
    events[1]["properties"]["note"] = "a Needle"
    page = open_page(write_events(tmp_path / "events.jsonl", [*events, b"{]"]))
    found = searched(page, **query)

    assert [row["line"] for row in found["rows"]] == lines
    assert found["total"] == len(lines)
    assert found["done"]


@pytest.mark.parametrize("text", ["Émile", "émile", "ÉMILE 😀"])
def test_search_finds_letters_of_any_script_in_any_case(
    open_page: PageOf, tmp_path: Path, text: str
) -> None:
    event = track(1) | {"properties": {"name": "Émile 😀"}}
    plain, escaped = (json.dumps(event, ensure_ascii=is_ascii) for is_ascii in (False, True))
    page = open_page(
        write_events(tmp_path / "e.jsonl", [plain.encode(), escaped.encode(), *tracks(1)])
    )

    assert [row["line"] for row in searched(page, text=text)["rows"]] == [1, 2]


def test_search_in_a_file_that_became_shorter_says_so(open_page: PageOf, tmp_path: Path) -> None:
    file = write_events(tmp_path / "events.jsonl", tracks(3))
    page = open_page(file)
    file.write_bytes(b"")

    page.post("api/search", text="type")
    page.bench._search.wait()
    assert "the search has ended early" in page.get("api/state")["problem"]


def test_query_with_a_mistake_is_an_error_and_changes_nothing(
    open_page: PageOf, tmp_path: Path
) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(3)))
    searched(page, text="nothing")
    answer = page.post("api/search", where="type = ")

    assert answer["problem"]
    assert page.get("api/events", first=0)["total"] == 0


def test_search_shows_hits_as_they_come_and_a_new_one_stops_it(
    open_page: PageOf, tmp_path: Path
) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(5000)))
    page.bench.index.is_complete = False
    page.post("api/search", text="type")
    first = page.bench._search
    assert first is not None
    wait_until(lambda: len(first) == 5000)
    found = page.get("api/events", first=0, count=10)

    assert (found["total"], found["done"], len(found["rows"])) == (5000, False, 10)
    page.post("api/search")
    first.wait()
    assert first.is_done
    assert page.get("api/events", first=0)["total"] == 5000
    page.bench.index.is_complete = True
    assert EventQuery().is_empty


def test_an_event_has_its_payload_and_the_exact_request(open_page: PageOf, tmp_path: Path) -> None:
    event = track() | {"properties": {"total": 12345678901234567890, "note": "ü"}}
    page = open_page(
        write_events(tmp_path / "events.jsonl", [event]),
        dest="webhook",
        endpoint="https://h.example/x",
    )
    details = page.get("api/event", at=0)

    assert payload_of(details) == event
    request = details["payloads"][0]["request"]
    assert (request["method"], request["url"]) == ("POST", "https://h.example/x")
    assert request["body"].encode() == (tmp_path / "events.jsonl").read_bytes().strip()
    assert "12345678901234567890" in request["body"]


def test_sources_of_a_payload_field_are_named(acme: Page) -> None:
    marks = acme.get("api/event", at=0)["marks"]
    carried = dict(marks["carried"])

    assert carried["/properties/total"] == [[0, "/total"]]
    assert carried["/userId"] == [[0, "/user"]]
    assert "/properties/coupon" in marks["notCarried"]
    assert "/properties/total" not in marks["notCarried"]
    assert marks["notCarriedWords"] == "is not carried by acme"


def test_values_that_become_something_else_have_the_words_of_the_finding(
    open_page: PageOf, tmp_path: Path
) -> None:
    event = {"type": "identify", "userId": 7, "traits": {"email": "a@b.c", "tags": ["x"]}}
    page = open_page(write_events(tmp_path / "events.jsonl", [event]))
    found = page.get("api/event", at=0)["marks"]["findings"]

    assert {"path": "/userId", "code": "SEG312"}.items() <= found[0].items()
    assert ("/traits/tags", "is an array and becomes text") in [
        (one["path"], one["problem"]) for one in found
    ]


def test_line_that_is_not_there_is_a_clear_error(acme: Page) -> None:
    for at in (99, 10**30, "x"):
        assert acme.get("api/event", at=at)["problem"]


def test_command_does_the_same_on_the_command_line(
    acme: Page, segcli: Callable[..., Any], tmp_path: Path
) -> None:
    searched(acme, where="properties.total = 2")
    command = acme.get("api/command")["command"]
    words = shlex.split(command)
    (tmp_path / "acme.toml").write_text(ACME)
    said = segcli(*words[1:], "--quiet")

    assert words[:2] == ["segcli", "transform"]
    assert said.code == 0
    assert [json.loads(line) for line in said.out.splitlines()] == [
        payload_of(acme.get("api/event", at=1))
    ]
    one = acme.get("api/event", at=1)["command"]
    assert one.startswith("sed -n 2p ")
    assert one.endswith(" | segcli transform --dest ./acme.toml")


def test_command_for_one_event_names_its_file_and_no_packed_one(
    open_page: PageOf, tmp_path: Path
) -> None:
    packed = tmp_path / "a.jsonl.gz"
    packed.write_bytes(gzip.compress(orjson.dumps(track()) + b"\n"))
    plain = write_events(tmp_path / "b.jsonl", tracks(2))
    page = open_page(packed, plain, dest="gist")

    whole = f"segcli transform --dest gist {packed} {plain}"
    assert page.get("api/event", at=0)["command"] == whole
    one = page.get("api/event", at=2)["command"]
    assert one == f"sed -n 2p {plain} | segcli transform --dest gist"


def test_search_in_text_has_no_command(acme: Page) -> None:
    searched(acme, text="coupon")

    assert "no command searches in the text" in acme.get("api/command")["problem"]


# the destination file


def test_payload_follows_an_edit(acme: Page) -> None:
    answer = acme.post("api/edit", text=ACME.replace('"order"', '"sale"'))

    assert answer["problems"] == []
    assert not answer["isSaved"]
    assert payload_of(acme.get("api/event", at=0))["kind"] == "sale"


def test_mistakes_have_the_lines_of_their_keys_and_the_last_good_text_counts(acme: Page) -> None:
    text = ACME.replace('"order"', '{ "@pth" = 1 }').replace('"$.userId"', "5")
    answer = acme.post("api/edit", text=text)

    assert [one["line"] for one in answer["problems"]] == [16, 17]
    assert "@pth" in answer["problems"][0]["text"]
    assert payload_of(acme.get("api/event", at=0))["kind"] == "order"
    assert acme.post("api/save")["problem"] == "a text with mistakes is not saved"


@for_each(
    "case",
    [
        # An unknown key, wherever it is, and a mistake in the mapping.
        ({"[request]": '[request]\nfoo = "x"'}, [8, 17]),
        ({'name = "Order"': 'name = "Order"\nfoo = 1'}, [13, 17]),
        # A misspelled key: what it holds is checked too.
        ({"[actions.mapping]": "[actions.mappin]"}, [15, 16]),
        ({"[[actions]]": "[[action]]", "[actions.": "[action."}, [11, 16]),
        ({"[request]": "[requst]\nmethd = 'PUT'"}, [7, 8, 17]),
        # Mistakes of two kinds in one mapping.
        ({'"@path" = "$.properties.total"': '"@liquid" = "{% if"'}, [16, 18]),
        (
            {'"@path" = "$.properties.total"': '"@arrayPath" = [\n"$.a",\n{ x = {"@b" = 1}}] '},
            [16, 20],
        ),
    ],
)
def test_all_mistakes_are_shown_at_once(acme: Page, case: tuple[dict[str, str], list[int]]) -> None:
    changes, lines = case
    text = ACME.replace('"order"', '{ "@pth" = 1 }')
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)

    assert [one["line"] for one in acme.post("api/edit", text=text)["problems"]] == lines


def test_date_without_quotes_has_its_line(acme: Page) -> None:
    answer = acme.post("api/edit", text=ACME.replace('"order"', "2026-01-01"))

    assert answer["problems"][0] == {
        "line": 16,
        "text": "actions[0].mapping.kind is a date or a time: write it in quotes",
    }


def test_file_with_mistakes_is_opened_and_can_be_fixed(open_page: PageOf, tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(ACME.replace('kind = "order"', "kind = order"))
    page = open_page(write_events(tmp_path / "events.jsonl", [track()]), dest="./acme.toml")
    state, event = page.get("api/state"), page.get("api/event", at=0)

    assert [one["line"] for one in state["problems"]] == [16]
    assert event["reason"] == "track is not for a file with mistakes"
    assert page.post("api/send", first=1)["problem"] == "fix the mistakes in the file first"
    assert page.post("api/edit", text=ACME)["problems"] == []
    assert payload_of(page.get("api/event", at=0))["kind"] == "order"
    assert page.post("api/save")["isSaved"]


def test_syntax_error_has_its_line(acme: Page) -> None:
    answer = acme.post("api/edit", text=ACME.replace('kind = "order"', "kind = order"))

    assert answer["problems"][0]["line"] == 16
    assert "not TOML" in answer["problems"][0]["text"]


def test_text_is_saved_to_the_file(acme: Page, tmp_path: Path) -> None:
    text = ACME.replace('"order"', '"sale"') + "# ü\n"
    acme.post("api/edit", text=text)

    assert acme.post("api/save")["isSaved"]
    assert (tmp_path / "acme.toml").read_text() == text
    acme.post("api/edit", text=ACME)
    assert acme.post("api/save")["isSaved"]


def test_saved_file_keeps_its_line_breaks(open_page: PageOf, tmp_path: Path) -> None:
    file = tmp_path / "acme.toml"
    file.write_bytes(ACME.replace("\n", "\r\n").encode())
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(1)), dest="./acme.toml")
    text = page.get("api/text")["text"]

    assert text == ACME
    assert page.post("api/edit", text=text)["isSaved"]
    page.post("api/edit", text=text.replace('"order"', '"sale"'))
    assert page.post("api/save")["isSaved"]
    assert file.read_bytes() == ACME.replace('"order"', '"sale"').replace("\n", "\r\n").encode()


def test_line_that_is_too_long_is_so_in_the_review_and_the_run(
    open_page: PageOf, tmp_path: Path
) -> None:
    events = [track(1) | {"properties": {"note": "x" * 2000}}, track(2)]
    page = open_page(write_events(tmp_path / "events.jsonl", events), max_line=1000)
    page.wait_for("api/review", lambda said: "counts" in said)
    page.post("api/send", first=2)
    page.wait_for("api/state", lambda said: not said["running"])

    said = [one["problem"] for one in page.get("api/review")["findings"]]
    assert page.get("api/events", first=0)["rows"][0]["reason"] in said
    assert "longer than --max-line" in page.get("api/run")["html"]


def test_saving_is_refused_if_another_program_changed_the_file(acme: Page, tmp_path: Path) -> None:
    acme.post("api/edit", text=ACME.replace('"order"', '"sale"'))
    (tmp_path / "acme.toml").write_text(ACME + "# another\n")
    answer = acme.post("api/save")

    assert "was changed by another program" in answer["problem"]
    assert (tmp_path / "acme.toml").read_text() == ACME + "# another\n"
    assert acme.post("api/reload")["isSaved"]
    assert acme.get("api/text")["text"].endswith("# another\n")


def test_coverage_and_golden_differences_follow_an_edit(
    open_page: PageOf, segcli: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    events = write_events(
        tmp_path / "events.jsonl", [track() | {"properties": {"total": 1, "coupon": "X"}}]
    )
    segcli("check", "-d", "./acme.toml", events, "--expect", "golden", "--update")
    page = open_page(events, dest="./acme.toml", expect=Path("golden"))
    page.wait_for("api/review", lambda said: "counts" in said)
    before = page.get("api/review")
    version = page.get("api/state")["review"]
    page.post("api/edit", text=ACME.replace('"order"', '{ "@path" = "$.properties.coupon" }'))
    page.wait_for("api/state", lambda said: said["review"] > version)
    after = page.get("api/review")

    assert before["differences"] == []
    assert "properties.coupon" in [one["path"] for one in before["notCarried"]]
    assert "properties.coupon" not in [one["path"] for one in after["notCarried"]]
    assert [one["field"] for one in after["differences"]] == ["payload.kind"]
    assert after["counts"]["mapped"] == 1


def many_orders(folder: Path, count: int) -> Path:
    """Write more events than are reviewed at once; the last one alone has a coupon."""
    events = [track(n) | {"properties": {"total": n}} for n in range(count)]
    events[-1]["properties"]["coupon"] = "X"
    (folder / "acme.toml").write_text(ACME)
    return write_events(folder / "events.jsonl", events)


def test_all_lines_are_reviewed_on_request(
    open_page: PageOf,
    segcli: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Many reviews: the next test has as many lines as are reviewed of a page.
    most_lines = 300
    monkeypatch.setattr("segcli.ui.background_review.MAX_REVIEWED_LINES", most_lines)
    events = many_orders(tmp_path, most_lines + 200)
    segcli("check", "-d", "./acme.toml", events, "--expect", "golden", "--update")
    page = open_page(events, dest="./acme.toml", expect=Path("golden"))
    page.wait_for("api/review", lambda said: "counts" in said)
    first = page.get("api/review")
    page.post("api/review", all=True)
    page.wait_for("api/review", lambda said: said["isWhole"])
    whole = page.get("api/review")

    assert (first["lines"], first["isWhole"], first["differences"]) == (most_lines, False, [])
    assert "properties.coupon" not in [one["path"] for one in first["notCarried"]]
    assert whole["lines"] == sum(whole["counts"].values()) == most_lines + 200
    assert whole["differences"] == []
    assert "properties.coupon" in [one["path"] for one in whole["notCarried"]]
    assert page.get("api/state")["reviewed"] is None
    page.post("api/edit", text=ACME.replace('"order"', '"sale"'))
    wait_until(lambda: not page.get("api/review")["isWhole"])
    page.post("api/review", all=True)
    page.wait_for("api/review", lambda said: said["isWhole"])
    assert [one["lines"] for one in page.get("api/review")["differences"]] == [most_lines + 200]


def test_review_of_all_lines_shows_its_progress_and_stops_with_the_next_edit(
    open_page: PageOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_page(many_orders(tmp_path, MAX_REVIEWED_LINES + 200), dest="./acme.toml")
    page.wait_for("api/review", lambda said: "counts" in said)
    lines, may_go_on, given = page.bench.index.lines, threading.Event(), []

    def waiting_lines(first: int, count: int) -> Iterator[Any]:
        for number, line in enumerate(lines(first, count)):
            if count > MAX_REVIEWED_LINES and number == 100:
                may_go_on.wait(PATIENCE)
            if count > MAX_REVIEWED_LINES:
                given.append(number)
            yield line

    monkeypatch.setattr(page.bench.index, "lines", waiting_lines)
    page.post("api/review", all=True)
    wait_until(lambda: page.get("api/state")["reviewed"] == 100)
    version = page.get("api/state")["review"]
    page.post("api/edit", text=ACME.replace('"order"', '"sale"'))
    may_go_on.set()
    wait_until(lambda: page.get("api/state")["review"] == version + 2)

    assert given == list(range(101))
    assert page.get("api/state")["reviewed"] is None
    assert page.get("api/review")["lines"] == MAX_REVIEWED_LINES


def test_only_destinations_of_the_page_can_be_chosen(acme: Page, tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(ACME.replace("acme", "other"))
    for dest in ("./other.toml", "/etc/passwd", "none"):
        assert "no destination" in acme.post("api/destination", dest=dest)["problem"]
    assert acme.post("api/destination", dest="webhook")["destination"] == "webhook"
    assert acme.post("api/edit", text="x")["problem"] == "webhook is not a file that can be edited"
    assert acme.get("api/text") == {"text": ""}
    assert acme.post("api/destination", dest="./acme.toml")["isFile"]


# the sandbox and the run


def test_events_go_into_the_sandbox_and_what_arrived_is_shown(acme: Page) -> None:
    acme.post("api/send", first=2, concurrency=1)
    acme.wait_for("api/state", lambda said: not said["running"])
    rows = acme.get("api/arrivals", since=0)["rows"]

    assert [(row["vendor"], row["status"], row["events"]) for row in rows] == [("acme", 200, 1)] * 2
    details = acme.get("api/arrival", number=rows[0]["number"])
    assert json.loads(details["body"])["total"] == 1
    assert ["authorization", "***"] in details["headers"]
    acme.post("api/reset")
    assert acme.get("api/arrivals", since=0)["rows"] == []
    state = acme.get("api/state")
    assert state["arrived"] == state["cleared"] == 2
    assert acme.get("api/arrival", number=1) == {"gone": True}


def test_user_is_found_among_the_many_users_of_one_request(
    open_page: PageOf, tmp_path: Path
) -> None:
    events = [track(n, f"u{n}") for n in range(60)]
    page = open_page(write_events(tmp_path / "events.jsonl", events), dest="segment")
    page.post("api/send", first=60)
    page.wait_for("api/state", lambda said: not said["running"])
    rows = page.get("api/arrivals", since=0)["rows"]

    assert max(row["events"] for row in rows) > 20
    for user in ("u1", "u59"):
        found = page.get("api/arrivals", since=0, user=user)["rows"]
        bodies = [page.get("api/arrival", number=row["number"])["body"] for row in found]
        assert bodies
        assert all(f'"{user}"' in body for body in bodies)
    assert page.get("api/arrivals", since=0, user="unknown")["rows"] == []
    for row in rows:
        details = page.get("api/arrival", number=row["number"])
        assert len(details["items"]) == row["events"]
        assert {(status, verdict) for _, status, verdict, _ in details["items"]} == {
            (200, "delivered")
        }


def test_each_event_has_the_reason_of_the_vendor(open_page: PageOf, tmp_path: Path) -> None:
    people = [
        {"type": "identify", "userId": f"u{n}", "traits": {"email": f"u{n}@example.com"}}
        for n in range(20)
    ]
    page = open_page(write_events(tmp_path / "events.jsonl", people), dest="braze")
    page.post("api/send", first=20, faults=["item:50%", "503:20%"])
    page.wait_for("api/state", lambda said: not said["running"])
    rows = page.get("api/arrivals", since=0)["rows"]
    found = [page.get("api/arrival", number=row["number"]) for row in rows]
    items = [one for details in found for one in details["items"]]
    said = {(verdict, reason) for _, status, verdict, reason in items if status >= 300}

    # The words of the stand-in for this vendor.
    assert said == {("refused", "it failed")}
    assert {(verdict, why) for _, status, verdict, why in items if status < 300} == {
        ("delivered", "")
    }
    for row, details in zip(rows, found, strict=True):
        assert not details["items"] or row["events"] == len(details["items"])
        if row["status"] == 503:
            assert (row["verdict"], row["reason"]) == ("to be sent again", "HTTP 503")


def test_destination_file_says_how_the_reply_is_read(open_page: PageOf, tmp_path: Path) -> None:
    batch = """
[batch]
events = 10
under = "events"

[reply.items]
list = "errors"
index = "at"
status = "code"
reason = "why"
"""
    (tmp_path / "acme.toml").write_text(ACME.replace("[[actions]]", f"{batch}\n[[actions]]"))
    events = write_events(tmp_path / "events.jsonl", [track(n, f"u{n}") for n in range(30)])
    page = open_page(events, dest="./acme.toml")
    page.post("api/send", first=30, faults=["item:100%"])
    page.wait_for("api/state", lambda said: not said["running"])
    rows = page.get("api/arrivals", since=0)["rows"]
    items = [one for row in rows for one in page.get("api/arrival", number=row["number"])["items"]]

    assert ("refused", "422: a simulated fault (--fault)") in {
        (verdict, reason) for _, _, verdict, reason in items
    }
    assert ("to be sent again", "503: a simulated fault (--fault)") in {
        (verdict, reason) for _, _, verdict, reason in items
    }
    assert any(", " in row["verdict"] and "simulated" in row["reason"] for row in rows)


def test_request_that_is_refused_as_a_whole_has_its_reason(
    open_page: PageOf, tmp_path: Path
) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(1)), dest="webhook")
    page.post("api/send", first=1, faults=["422:50%", "400:50%"])
    page.wait_for("api/state", lambda said: not said["running"])
    row = page.get("api/arrivals", since=0)["rows"][0]

    assert row["status"] in (400, 422)
    assert row["verdict"] == "refused"
    assert "a simulated fault (--fault)" in row["reason"]


def test_user_is_found_in_requests_that_were_not_accepted(
    open_page: PageOf, tmp_path: Path
) -> None:
    events = [track(n, f"u{n}") for n in range(3)]
    page = open_page(write_events(tmp_path / "events.jsonl", events), dest="segment")
    page.post("api/send", first=3, faults=["422:100%"])
    page.wait_for("api/state", lambda said: not said["running"])

    for user in ("u0", "u2"):
        rows = page.get("api/arrivals", since=0, user=user)["rows"]
        assert {row["status"] for row in rows} == {422}
    assert page.get("api/arrivals", since=0, user="u")["rows"] == []


def test_sample_of_a_chosen_line_has_its_place_in_the_file(
    open_page: PageOf, tmp_path: Path
) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", [*tracks(2), b"{]"]))
    page.post("api/send", at=2)
    page.wait_for("api/state", lambda said: not said["running"])

    assert "events.jsonl:3" in page.get("api/run")["html"]


def test_faults_are_played_and_the_run_is_shown(open_page: PageOf, tmp_path: Path) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", [*tracks(20), b"{]"]), dest="segment")
    page.post("api/send", first=100, faults=["422:100%"])
    page.wait_for("api/state", lambda said: not said["running"])
    statuses = {row["status"] for row in page.get("api/arrivals", since=0)["rows"]}
    html = page.get("api/run")["html"]

    assert statuses == {422}
    assert 'data-figure="ledger.refused">20<' in html
    assert 'data-figure="ledger.rejected">1<' in html


def test_several_faults_are_played_together(open_page: PageOf, tmp_path: Path) -> None:
    page = open_page(write_events(tmp_path / "events.jsonl", tracks(60)), dest="webhook")
    page.post("api/send", first=60, faults=["422:40%", "400:40%"], concurrency=8)
    page.wait_for("api/state", lambda said: not said["sending"])
    statuses = {row["status"] for row in page.get("api/arrivals", since=0)["rows"]}

    assert statuses == {200, 400, 422}
    too_much = page.post("api/send", first=1, faults=["503:60%", "429:60%"])
    assert "add up to 1.2" in too_much["problem"]
    # The vendor has no results for single events. That is said, and forgotten with the next send.
    not_by_item = page.post("api/send", first=1, faults=["item:10%"])
    assert "webhook does not answer for single events" in not_by_item["problem"]
    assert page.post("api/send", first=1) == {}


def test_wrong_faults_are_a_clear_error(acme: Page) -> None:
    for faults in (["503"], ["none:5%"], "503:5%"):
        assert acme.post("api/send", first=1, faults=faults)["problem"]


def test_report_of_a_run_is_opened(acme: Page, segcli: Callable[..., Any], tmp_path: Path) -> None:
    segcli("transform", "-d", "gist", SAMPLES / "engage.jsonl", "--report", "report.json")
    report = orjson.loads((tmp_path / "report.json").read_bytes())
    acme.post("api/report", report=report)
    html = acme.get("api/run")["html"]

    assert f'data-figure="read">{report["read"]}<' in html
    assert f'data-figure="ledger.mapped">{report["ledger"]["mapped"]}<' in html


def test_opened_report_has_the_plots_of_the_page_of_the_run(
    acme: Page, segcli: Callable[..., Any], tmp_path: Path
) -> None:
    faults = ["--sandbox", "--fault", "503:30%", "--seed", "7"]
    words = ["send", "-d", "gist", *faults, SAMPLES / "signup.jsonl"]
    segcli(*words, "--report", "report.json", "--html", "page.html")
    report = orjson.loads((tmp_path / "report.json").read_bytes())
    acme.post("api/report", report=report)
    shown, page = acme.get("api/run")["html"], (tmp_path / "page.html").read_text()
    assert len(plots_in(shown)) >= 3
    assert plots_in(shown) == plots_in(page)

    # The report of a run without a display has no series.
    acme.post("api/report", report=report | {"series": []})
    assert "The course of this run was not recorded." in acme.get("api/run")["html"]


def test_what_is_no_report_is_refused_and_the_run_stays(acme: Page) -> None:
    wrong = {"report_version": 1, "read": "<b>", "ledger": {}}
    versions = [{"report_version": version} for version in (1, 0, True, "2", None)]
    for report in ({}, [], wrong, *versions):
        assert acme.post("api/report", report=report)["problem"]
    newer = acme.post("api/report", report={"report_version": REPORT_VERSION + 1})
    assert "newer segcli" in newer["problem"]
    assert acme.get("api/run") == {"html": ""}


def test_damaged_report_is_refused_and_the_run_stays(
    acme: Page, segcli: Callable[..., Any], tmp_path: Path
) -> None:
    segcli("transform", "-d", "gist", SAMPLES / "engage.jsonl", "--report", "report.json")
    report = orjson.loads((tmp_path / "report.json").read_bytes())
    point = report["series"][0]
    series = [
        *({"series": None}, {"series": [1]}, {"series": [{}]}, {"series": [point] * 2001}),
        {"series": [point | {"retry_causes": {"<img src=x>": 1}}]},
        {"series": [point | {"answers_ms": [[0, 1]]}]},
    ]
    for damage in ({"inputs": [1]}, {"actions": "x"}, {"ledger": {"mapped": "x"}}, *series):
        assert "damaged" in acme.post("api/report", report=report | damage)["problem"]
    assert acme.get("api/run") == {"html": ""}


# keys


def test_no_answer_holds_a_key(
    open_page: PageOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "acme.toml").write_text(ACME)
    for name in ("ACME", "GIST", "POINTILLIST", "SEGMENT"):
        monkeypatch.setenv(f"SEGCLI_{name}_API_KEY", SECRET)
    # Also an event that repeats the key, and an address that has one.
    events = write_events(
        tmp_path / "events.jsonl", [track() | {"properties": {"leak": SECRET, "email": "a@b.c"}}]
    )
    page = open_page(
        events, dest="./acme.toml", set=("endpoint=https://u:pa-SECRET-ssword@h.example",)
    )
    last = 0
    for dest in ("./acme.toml", *page.get("api/state")["names"]):
        page.post("api/destination", dest=dest)
        page.get("api/event", at=0)
        page.get("api/events", first=0)
        page.get("api/command")
        page.post("api/send", first=1)
        page.wait_for("api/state", lambda said: not said["sending"])
        for row in page.get("api/arrivals", since=last)["rows"]:
            last = max(last, row["number"])
            page.get("api/arrival", number=row["number"])
        page.get("api/run")
    assert last >= len(page.get("api/state")["names"])
    page.wait_for("api/review", lambda said: "counts" in said)
    page.get("api/text")
    page.get("")

    everything = b"\n".join(page.answers)
    assert b"SECRET" not in everything
    assert b"***" in everything
    # "Basic" credentials of the key.
    import base64

    assert base64.b64encode(f"{SECRET}:".encode()).rstrip(b"=") not in everything


def test_destination_file_with_a_key_is_not_shown(
    open_page: PageOf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_ACME_API_KEY", SECRET)
    (tmp_path / "acme.toml").write_text(f"{ACME}\n# {SECRET}\n")
    events = write_events(tmp_path / "events.jsonl", tracks(1))

    with pytest.raises(Exception, match="holds a key"):
        open_page(events, dest="./acme.toml")


# several actions


def test_an_event_of_several_actions_has_each_payload_with_its_sources(
    open_page: PageOf, tmp_path: Path
) -> None:
    second = """
[[actions]]
name = "Person"
subscribe = 'type = "track"'
required = ["mail"]

[actions.mapping]
id = { "@path" = "$.userId" }
mail = { "@path" = "$.properties.mail" }
"""
    (tmp_path / "acme.toml").write_text(ACME + second)
    events = [track(1) | {"properties": {"mail": "m"}}, track(2)]
    page = open_page(write_events(tmp_path / "events.jsonl", events), dest="./acme.toml")
    both, one = (page.get("api/event", at=at) for at in (0, 1))
    carried = dict(both["marks"]["carried"])

    assert [payload["action"] for payload in both["payloads"]] == ["Order", "Person"]
    assert carried["/userId"] == [[0, "/user"], [1, "/id"]]
    assert carried["/properties/mail"] == [[1, "/mail"]]
    assert [payload["action"] for payload in one["payloads"]] == ["Order"]
    assert one["state"] == "rejected"
    assert one["rejections"][0].startswith("Person rejects it: mail is required")
