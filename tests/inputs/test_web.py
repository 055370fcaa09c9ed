"""Inputs from the web are read as stored, from servers with any features."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.compression import PACKS, gz, zst
from support.fakes import CommandResult, closed_port, records, report_in, tracks, write_events
from support.resuming import JOURNAL, LimitedVendor, Serve, to_webhook
from support.stores import WebServer, web_server

from segcli.errors import InputError, Stopped
from segcli.inputs import download, object_store
from segcli.lines import chunks

Segcli = Callable[..., CommandResult]

PASSWORD = "horse-battery-staple"
TOKEN = "tok_91c47d5e2f"


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    monkeypatch.setattr(download, "_WAITS", (0.0,) * 3)
    with web_server() as server:
        yield server


@pytest.fixture
def text(tmp_path: Path) -> bytes:
    return write_events(tmp_path / "plain.jsonl", tracks(200)).read_bytes()


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetch in small parts, so that the test's files have several."""
    for module in (object_store, download):
        monkeypatch.setattr(module, "PART", 1000)


def read(address: str) -> bytes:
    """Return all lines of an input, joined."""
    found = chunks.chunks(chunks.inputs([address]))
    return b"".join(bytes(line) + b"\n" for chunk in found for line in chunk.lines)  # type: ignore[arg-type]


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("length", [True, False], ids=["length", "no length"])
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("pack", [bytes, *PACKS.values()], ids=["plain", *PACKS])
def test_a_file_is_read_with_and_without_ranges_and_lengths(
    pack: Callable[[bytes], bytes], ranges: bool, length: bool, web: WebServer, text: bytes
) -> None:
    web.ranges, web.length = ranges, length
    web.files["/events"] = pack(text)

    assert read(f"{web.url}/events") == text
    assert web.accepted == {"identity"}


@pytest.mark.usefixtures("small_parts")
def test_ranges_are_requested_if_the_server_supports_them(web: WebServer, text: bytes) -> None:
    web.files["/events"] = text
    assert read(f"{web.url}/events") == text
    ranges = [line for line in web.got if "bytes=0-999" in line]
    assert ranges
    assert all("bytes=" in line for line in web.got if line.startswith("GET"))


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.usefixtures("small_parts")
def test_a_file_with_a_content_encoding_is_read_as_it_is_stored(
    ranges: bool, web: WebServer, text: bytes
) -> None:
    web.ranges, web.encoding = ranges, "gzip"
    web.files["/events.gz"] = gz(text)
    assert read(f"{web.url}/events.gz") == text


def test_get_is_used_if_the_server_refuses_head(web: WebServer, text: bytes) -> None:
    web.head = False
    web.files["/events"] = text
    assert read(f"{web.url}/events?signature=only-for-get") == text


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
@pytest.mark.parametrize("breaks", [[1], [0, 500, 999], [500, 3000]], ids=str)
def test_a_download_that_breaks_off_continues_without_a_byte_lost_or_twice(
    breaks: list[int], ranges: bool, web: WebServer, text: bytes
) -> None:
    web.ranges = ranges
    web.files["/events"] = gz(text) + gz(text)
    found = chunks.inputs([f"{web.url}/events"])
    web.breaks = list(breaks)
    lines = [line for chunk in chunks.chunks(found) for line in chunk.lines]

    assert lines == text.split(b"\n")[:-1] * 2
    assert len(web.breaks) < len(breaks)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_file_changed_while_read_stops_the_run(
    ranges: bool, web: WebServer, text: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.ranges = ranges
    # The file has to be large, so small parts would be hundreds, or thousands.
    for module in (object_store, download):
        monkeypatch.setattr(module, "PART", 5000 if ranges else 100_000)
    # What is fetched already, or lies in the buffers of a connection, does not change any more.
    times = 20 if ranges else 1_200
    web.files["/events"] = text * times
    found = chunks.chunks(chunks.inputs([f"{web.url}/events"]))
    if not ranges:
        # More than one: a reply of which only the head is read may take the first.
        web.breaks = [len(text) * times - 1] * 3
    next(found)
    web.files["/events"] = text.replace(b"Tested", b"Broken") * times

    message = r"/events:\d+: could not be read past this point: it has changed since"
    with pytest.raises(Stopped, match=message):
        list(found)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        (
            "http://127.0.0.1:9/events",
            "cannot be read: cannot connect to 127.0.0.1:9: Connection refused\n",
        ),
        ("http://no.such.host.invalid/events", "; check the name of the host\n"),
    ],
)
def test_connection_that_cannot_be_made_is_said_in_plain_words(
    address: str, says: str, segcli: Segcli
) -> None:
    said = segcli("transform", address)

    assert said.code == 2
    assert said.err.endswith(says)


@pytest.mark.parametrize(
    ("status", "says"),
    [(404, "does not exist"), (403, "HTTP 403 Forbidden"), (500, "HTTP 500 Internal Server Error")],
)
def test_http_error_status_is_an_error_that_names_the_file(
    status: int, says: str, web: WebServer, segcli: Segcli
) -> None:
    web.status = status
    said = segcli("transform", f"{web.url}/events?token={TOKEN}")

    assert said.code == 2
    assert f"Error: {web.url}/events?… " in said.err
    assert says in said.err
    assert TOKEN not in said.err


def test_unreachable_host_is_an_error_that_names_it(segcli: Segcli) -> None:
    address = f"http://user:{PASSWORD}@127.0.0.1:{closed_port()}/events"
    said = segcli("check", address)

    assert said.code == 2
    assert "cannot be read: cannot connect to 127.0.0.1:" in said.err
    assert PASSWORD not in said.err


def test_page_of_links_is_read_as_a_folder(web: WebServer, text: bytes) -> None:
    for name in ("b.jsonl", "a/z.gz", "a/deeper/y.zst", ".hidden", "dummy-object.txt"):
        pack = gz if name.endswith("gz") else zst if name.endswith("zst") else bytes
        web.files[f"/logs/{name}"] = pack(text)
    web.files["/elsewhere.jsonl"] = text
    found = chunks.inputs([f"{web.url}/logs/"])

    assert [entry.name for entry in found] == [
        f"{web.url}/logs/{name}" for name in ("a/deeper/y.zst", "a/z.gz", "b.jsonl")
    ]
    assert chunks.total_size(found) == sum(
        len(web.files[f"/logs/{n}"]) for n in ("a/deeper/y.zst", "a/z.gz", "b.jsonl")
    )
    assert [entry.name for entry in chunks.inputs([f"{web.url}/logs/*.jsonl"])] == [
        f"{web.url}/logs/b.jsonl"
    ]


def test_rejects_files_are_left_out_of_an_address_unless_they_are_named(
    web: WebServer, text: bytes
) -> None:
    kept = ("gist.rejects.ndjson", "webhook.rejects.2.ndjson")
    web.files |= {f"/logs/{name}": text for name in ("a.jsonl", *kept)}
    found = chunks.inputs([f"{web.url}/logs/"])

    assert [entry.name for entry in found] == [f"{web.url}/logs/a.jsonl"]
    assert found.notes == [
        f"{web.url}/logs/ has 2 rejects files, which are left out: {web.url}/logs/{kept[0]} and 1 "
        "more. Their events may be in the other files too. Name a rejects file to read it."
    ]
    for named in (kept[0], "*.rejects.ndjson"):
        [entry] = chunks.inputs([f"{web.url}/logs/{named}"])
        assert entry.name == f"{web.url}/logs/{kept[0]}"
    web.files.pop("/logs/a.jsonl")
    with pytest.raises(InputError, match="has no files to read") as raised:
        chunks.inputs([f"{web.url}/logs/"])
    assert raised.value.hint.startswith("It has 2 rejects files: ")


def test_an_address_of_something_else_than_ndjson_is_refused_at_once(
    web: WebServer, segcli: Segcli
) -> None:
    web.files |= {"/logs/a.jsonl": b"{}\n", "/logs/b.pdf": b"%PDF-1.7", "/array": gz(b"[{}]")}
    for address, says in (
        ("/logs/", "/logs/b.pdf is a PDF document, not lines of JSON"),
        ("/array", "/array is a JSON array, not lines of JSON"),
    ):
        said = segcli("transform", f"{web.url}{address}")
        assert (said.code, said.out) == (2, "")
        assert f"Error: {web.url}{says}" in said.err


def test_two_addresses_that_are_shown_alike_are_two_files(web: WebServer, segcli: Segcli) -> None:
    web.files["/get"] = b"{]\n"
    addresses = [f"{web.url}/get?token={TOKEN}{number}" for number in (1, 2)]
    said = segcli("transform", "-q", "--rejects", "rejects", *addresses)

    assert said.code == 1
    assert [kept["file"] for kept in records(Path("rejects"))] == [
        f"{web.url}/get?…",
        f"{web.url}/get?… (2)",
    ]
    with pytest.raises(InputError, match="is given twice"):
        chunks.inputs([addresses[0]] * 2)


def test_secrets_of_an_address_are_in_no_message_and_no_file(
    web: WebServer, segcli: Segcli, vendor: Serve, tmp_path: Path
) -> None:
    web.files["/events"] = write_events(tmp_path / "plain", [*tracks(3), b"{]"]).read_bytes()
    address = web.url.replace("//", f"//user:{PASSWORD}@") + f"/events?token={TOKEN}"
    (tmp_path / "plain").unlink()
    limited_vendor = LimitedVendor(left=1)
    command = to_webhook(vendor(limited_vendor).url, address)
    stopped = segcli(*command)
    journal = (tmp_path / JOURNAL).read_text()
    limited_vendor.accept_all()
    said = segcli(*command, "--resume")

    assert (stopped.code, said.code) == (3, 1)
    assert "repeat the same values and addresses (hidden here)" in stopped.err
    kept = [path.read_bytes().decode() for path in tmp_path.iterdir() if path.is_file()]
    for text in (stopped.err, said.err, journal, *kept):
        assert PASSWORD not in text
        assert TOKEN not in text
    assert report_in(tmp_path)["inputs"] == [
        {"name": f"{web.url}/events?…", "bytes": len(web.files["/events"])}
    ]


@pytest.mark.parametrize("ranges", [True, False], ids=["ranges", "no ranges"])
def test_run_resumes_after_the_web_server_returns(
    ranges: bool,
    web: WebServer,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (object_store, download):
        monkeypatch.setattr(module, "PART", 500_000)
    web.ranges = ranges
    events = [{**event, "note": "x" * 70_000} for event in tracks(60)]
    web.files["/events"] = write_events(tmp_path / "plain", events).read_bytes()
    limited_vendor = LimitedVendor()
    command = to_webhook(vendor(limited_vendor).url, f"{web.url}/events?signature=one-of-today")
    web.lost_from = 2_000_000
    stopped = segcli(*command)
    web.lost_from = None
    sent = len(limited_vendor.taken)

    assert stopped.code == 3
    assert f"{web.url}/events?…:{sent + 1}: could not be read past this point: " in stopped.err
    assert "HTTP 503" in stopped.err or not ranges
    assert 0 < sent < 60
    again = [word.replace("today", "tomorrow") for word in command]
    assert segcli(*again, "--resume").code == 0
    assert limited_vendor.taken == [f"m{number}" for number in range(60)]


def test_folder_address_without_a_slash_gets_a_hint(web: WebServer, segcli: Segcli) -> None:
    web.files["/page"] = b"<!DOCTYPE html><html>"
    said = segcli("transform", f"{web.url}/page")

    assert said.code == 2
    assert "/page is a page of HTML or XML, not lines of JSON" in said.err
    assert "ends with a /" in said.err


@pytest.mark.parametrize("head", [True, False])
@pytest.mark.parametrize("ranges", [True, False])
def test_error_about_a_vanished_file_shows_no_token(
    ranges: bool, head: bool, web: WebServer, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.ranges, web.head, web.length = ranges, head, ranges
    web.files["/events"] = b"{}\n"
    start = object_store.Object.start

    def gone(self: object_store.Object, size: int) -> bytes:
        web.files.clear()
        return start(self, size)

    monkeypatch.setattr(object_store.Object, "start", gone)
    said = segcli("transform", f"{web.url}/events?token={TOKEN}")

    assert said.code == 2
    assert f"Error: {web.url}/events?… " in said.err
    assert TOKEN not in said.err


def test_file_damaged_at_its_start_is_reported_before_sending(
    web: WebServer, segcli: Segcli
) -> None:
    web.files |= {"/logs/a.jsonl": b"{}\n", "/logs/b.gz": b"\x1f\x8b" + b"\x00" * 400_000}
    said = segcli("send", "-d", "webhook", "--sandbox", f"{web.url}/logs/")

    assert said.code == 2
    assert f"Error: {web.url}/logs/b.gz cannot be read: its gzip data is damaged" in said.err
