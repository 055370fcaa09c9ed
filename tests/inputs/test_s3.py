"""Segment's archive is read directly from S3, with all features of a folder on disk."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.compression import gz
from support.fakes import CommandResult, closed_port, records, report_in, track, write_events
from support.resuming import JOURNAL, LimitedVendor, Serve, to_webhook
from support.s3 import Bucket

from segcli.inputs import ReadError, download
from segcli.lines import chunks

Segcli = Callable[..., CommandResult]

DAY = 86_400
FIRST = 1_769_904_000  # 2026-02-01T00:00:00Z


def text_of(path: Path, *numbers: int, **more: object) -> bytes:
    return write_events(
        path, [track(number, f"u{number % 2}", **more) for number in numbers]
    ).read_bytes()


def fill(bucket: Bucket, folder: Path) -> Bucket:
    """Put five days of two sources into a bucket, two events each, as Segment writes them."""
    for day in range(5):
        for place, source_id in enumerate(("web", "app")):
            at = f"2026-02-0{day + 1}T12:00:00Z"
            number = 4 * day + 2 * place
            bucket.put(
                f"in/segment-logs/{source_id}/{FIRST + day * DAY}/{day}{place}.gz",
                gz(text_of(folder / "plain", number, number + 1, timestamp=at)),
                encoding="gzip",
            )
    bucket.put("in/segment-logs/dummy-object.txt", b"")
    bucket.put("in/segment-logs-of-others/x.gz", b"no gzip")
    bucket.put("in/", b"")
    return bucket


@pytest.fixture
def archive(bucket: Bucket, tmp_path: Path) -> Bucket:
    """Return an archive that the test may change."""
    return fill(bucket, tmp_path)


@pytest.fixture(scope="module")
def filled_once(s3_client: Any, tmp_path_factory: pytest.TempPathFactory) -> Bucket:
    return fill(Bucket(s3_client, "unchanged-archive"), tmp_path_factory.mktemp("archive"))


@pytest.fixture
def unchanged_archive(bucket: Bucket, filled_once: Bucket) -> Bucket:  # noqa: ARG001  # its settings
    """Return an archive for tests that only read it."""
    return filled_once


def numbers_in(said: CommandResult) -> list[int]:
    return [int(line.split('"messageId": "m')[1].split('"')[0]) for line in said.out.splitlines()]


@pytest.fixture(params=[False, True], ids=["listed in pages", "version aware"])
def any_store(bucket: Bucket, request: pytest.FixtureRequest) -> Iterator[Bucket]:
    """Return a bucket whose store the library lists, and caches, if it knows of versions."""
    config = pytest.importorskip("fsspec.config").conf
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(config, "s3", {"version_aware": request.param})
        yield bucket


@pytest.mark.parametrize("address", ["in/a.jsonl", "in/a*", "in", "*/a*", "*", "i?/*.jsonl", ""])
def test_object_replaced_after_listing_is_detected(address: str, any_store: Bucket) -> None:
    any_store.put("in/a.jsonl", b"1\n")
    (found,) = chunks.inputs([f"{any_store}/{address}"])
    assert found.remote
    found.remote.check_same()
    any_store.put("in/a.jsonl", b"2\n")

    with pytest.raises(ReadError, match="it has changed since it was checked"):
        found.remote.check_same()


def test_an_archive_is_read_in_the_order_of_time(unchanged_archive: Bucket, segcli: Segcli) -> None:
    said = segcli("transform", "-q", "-d", "webhook", f"{unchanged_archive}/in/segment-logs")

    assert said.code == 0, said.err
    assert numbers_in(said) == list(range(20))


@pytest.mark.parametrize(
    ("below", "numbers"),
    [
        ("in/segment-logs/", range(20)),
        ("in/segment-logs/app", (2, 3, 6, 7, 10, 11, 14, 15, 18, 19)),
        (f"in/segment-logs/app/{FIRST}", (2, 3)),
        (f"in/segment-logs/app/{FIRST}/01.gz", (2, 3)),
        (f"in/segment-logs/*/{FIRST}/*.gz", range(4)),
        (f"in/segment-logs/*/{FIRST}", range(4)),
        ("in/segment-logs/*/*/?1.gz", (2, 3, 6, 7, 10, 11, 14, 15, 18, 19)),
    ],
)
def test_prefix_pattern_or_object_can_be_named(
    below: str, numbers: range | tuple[int, ...], unchanged_archive: Bucket, segcli: Segcli
) -> None:
    said = segcli("transform", "-q", "-d", "webhook", f"{unchanged_archive}/{below}")

    assert numbers_in(said) == list(numbers)


def test_days_outside_the_window_are_not_fetched(
    archive: Bucket, segcli: Segcli, tmp_path: Path
) -> None:
    archive.put(f"in/segment-logs/web/{FIRST}/broken.gz", b"\x1f\x8b")
    window = ("--since", "2026-02-03", "--until", "2026-02-04", "--allowed-lateness", "0s")
    command = (
        "transform",
        "-d",
        "webhook",
        "--report",
        "report.json",
        f"{archive}/in/segment-logs",
    )
    said = segcli(*command, *window)

    assert numbers_in(said) == [8, 9, 10, 11]
    assert report_in(tmp_path)["files_left_out"] == 7
    assert "7 files (" in said.err
    assert "broken.gz cannot be read: its gzip data is cut off" in segcli(*command).err


def test_objects_with_unusual_names_are_read(
    bucket: Bucket, segcli: Segcli, tmp_path: Path
) -> None:
    names = ["a b.jsonl", "a?b#c.jsonl", "ä%20+[1].jsonl", "x@y.jsonl"]
    for number, name in enumerate(names):
        bucket.put(f"odd/{name}", text_of(tmp_path / "plain", number) + b"{]\n")
    for named in ([f"{bucket}/odd"], [f"{bucket}/odd/{name}" for name in names]):
        (tmp_path / "rejects").unlink(missing_ok=True)
        said = segcli("transform", "-q", "-d", "webhook", "--rejects", "rejects", *named)
        assert sorted(numbers_in(said)) == [0, 1, 2, 3], said.err
        assert sorted(kept["file"] for kept in records(tmp_path / "rejects")) == sorted(
            f"{bucket}/odd/{name}" for name in names
        )


def test_an_object_that_is_not_ndjson_is_named_before_anything_is_sent(
    archive: Bucket, vendor: Serve, segcli: Segcli
) -> None:
    archive.put("in/segment-logs/z/report.pdf", b"%PDF-1.7")
    limited_vendor = LimitedVendor()
    said = segcli(*to_webhook(vendor(limited_vendor).url, f"{archive}/in/segment-logs"))

    assert (said.code, limited_vendor.taken) == (2, [])
    assert (
        f"Error: {archive}/in/segment-logs/z/report.pdf is a PDF document, not lines of JSON"
        in said.err
    )


def test_resume_does_not_fetch_settled_objects(
    archive: Bucket, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=9)
    command = to_webhook(vendor(limited_vendor).url, f"{archive}/in/segment-logs")
    assert segcli(*command).code == 3
    archive.put(f"in/segment-logs/web/{FIRST + 9 * DAY}/9.gz", gz(text_of(tmp_path / "p", 20)))
    archive.remove(f"in/segment-logs/web/{FIRST}/00.gz")
    limited_vendor.accept_all()
    said = segcli(*command, "--resume")

    assert said.code == 0, said.err
    assert limited_vendor.taken == [f"m{number}" for number in range(21)]
    assert report_in(tmp_path)["read"] == 12


@pytest.mark.parametrize("settled", [True, False])
def test_resume_with_a_replaced_object_is_an_error_that_names_it(
    settled: bool, archive: Bucket, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=9)
    command = to_webhook(vendor(limited_vendor).url, f"{archive}/in/segment-logs")
    assert segcli(*command).code == 3
    limited_vendor.accept_all()
    day, name = (0, "00.gz") if settled else (2, "20.gz")
    key = f"in/segment-logs/web/{FIRST + day * DAY}/{name}"
    archive.put(key, gz(text_of(tmp_path / "p", 70, 71)))
    said = segcli(*command, "--resume")

    assert said.code == 2
    assert f"Error: {archive}/{key} has changed" in said.err
    assert len(limited_vendor.taken) == 9


def test_journal_and_messages_name_the_prefix_as_typed(
    unchanged_archive: Bucket, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    limited_vendor = LimitedVendor(left=3)
    address = f"{unchanged_archive}/in/segment-logs"
    command = to_webhook(vendor(limited_vendor).url, address)
    stopped = segcli(*command)

    assert f"{address} --resume" in stopped.err
    assert f'"inputs":["{address}"]' in (tmp_path / JOURNAL).read_text()
    assert f"an earlier run of {address} to webhook was not finished" in segcli(*command).err


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("s3://{0}/nothing/here.gz", "does not exist"),
        ("s3://{0}/nothing/", "has no files to read"),
        ("s3://{0}/nothing/*.gz", "does not exist"),
        ("s3://no-such-bucket-of-ours/a.gz", "does not exist\nThere is no such bucket."),
        ("s3://no-such-bucket-of-ours/a/*.gz", "does not exist"),
    ],
)
def test_a_missing_object_is_named(address: str, says: str, bucket: Bucket, segcli: Segcli) -> None:
    bucket.put("a.jsonl", b"{}")
    shown = address.format(bucket.name)
    said = segcli("transform", shown)

    assert said.code == 2
    assert f"Error: {shown} {says}" in said.err


def test_missing_credentials_are_an_error_with_a_hint(
    bucket: Bucket, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    said = segcli("transform", f"{bucket}/a.gz")

    assert said.code == 2
    assert "cannot be read: Unable to locate credentials\nCredentials are those" in said.err
    assert "AWS_PROFILE" in said.err


def test_unreachable_store_is_an_error(
    bucket: Bucket, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    said = segcli("transform", f"{bucket}/a.gz")

    assert said.code == 2
    assert f"{bucket}/a.gz cannot be read: Could not connect" in said.err


def test_object_of_several_parts_is_read_completely(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from segcli.inputs import object_store

    for module in (download, object_store):
        monkeypatch.setattr(module, "PART", 10_000)
    text = text_of(tmp_path / "plain", *range(1000))
    bucket.put("big", text)
    found = chunks.inputs([f"{bucket}/big"])
    lines = [line for chunk in chunks.chunks(found) for line in chunk.lines]

    assert lines == text.split(b"\n")[:-1]


def test_engage_and_check_read_from_a_bucket(bucket: Bucket, segcli: Segcli) -> None:
    bucket.put("members.csv", gz(b"userId,email\nu1,ada@example.com\n"))
    bucket.put("events.jsonl", b'{"type":"track","event":"e","userId":"u"}\n')
    engage = segcli(
        "engage", "audience", "Vips", "-d", "gist", "--dry-run", f"{bucket}/members.csv"
    )

    assert '"userId":"u1"' in engage.out
    assert "1 line: 1 mapped" in segcli("check", "-d", "webhook", f"{bucket}/events.jsonl").out


def test_listing_of_several_pages_is_read_completely(
    archive: Bucket, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.inputs.address._PAGE", 3)
    archive.remove("in/segment-logs-of-others/x.gz")
    for below in ("", "/", "/in", "/in/segment-logs/"):
        said = segcli("transform", "-q", "-d", "webhook", f"{archive}{below}")
        assert numbers_in(said) == list(range(20)), said.err
