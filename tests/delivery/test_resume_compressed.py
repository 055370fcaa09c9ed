"""A run over compressed inputs resumes like one over plain inputs: by line."""

import random
import subprocess
from pathlib import Path

import pytest
from support.compression import PACKS, Pack, gz
from support.fakes import records, report_in, tracks, write_events
from support.resuming import LimitedVendor, Segcli, Serve, printed_command, to_webhook

ALL = [f"m{number}" for number in range(80)]


@pytest.fixture(params=PACKS)
def pack(request: pytest.FixtureRequest) -> Pack:
    return PACKS[request.param]


@pytest.fixture
def text(tmp_path: Path) -> bytes:
    """Return several blocks of events that compress differently."""
    noise = random.Random(7)
    events = [{**event, "note": noise.randbytes(4000).hex()} for event in tracks(80)]
    path = write_events(tmp_path / "plain.jsonl", events)
    return path.read_bytes()


def test_resume_continues_inside_a_compressed_member(
    pack: Pack,
    text: bytes,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(pack(text))
    command = to_webhook(vendor(limited_vendor).url, path)
    for left in (10, 0, 30):
        limited_vendor.left = left
        assert segcli(*command, *(["--resume"] if limited_vendor.taken else [])).code == 3
    limited_vendor.accept_all()

    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ALL
    assert report_in(tmp_path)["ledger_over_all_runs"]["delivered"] == 80


def test_resume_accepts_the_same_content_compressed_differently(
    pack: Pack,
    text: bytes,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(gz(text))
    command = to_webhook(vendor(limited_vendor).url, path)
    limited_vendor.left = 10
    assert segcli(*command).code == 3
    limited_vendor.accept_all()
    path.write_bytes(pack(text[:1000]) + pack(text[1000:]))
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ALL


def test_lines_before_a_truncation_are_sent_and_the_rest_after_repair(
    pack: Pack,
    text: bytes,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.gz"
    whole = pack(text)
    path.write_bytes(whole[: len(whole) // 2])
    command = to_webhook(vendor(limited_vendor).url, path)
    stopped = segcli(*command)
    sent = len(limited_vendor.taken)

    assert stopped.code == 3
    assert f"{path}:{sent + 1}: could not be read past this point: its " in stopped.err
    assert (
        f"data is cut off, in the middle of a {'member' if pack is gz else 'frame'}" in stopped.err
    )
    assert f"at byte {len(whole) // 2:,}" in stopped.err
    assert "--resume" in printed_command(stopped.err)
    assert 0 < sent < 80
    assert report_in(tmp_path)["ledger"]["unsent"] == 0

    again = segcli(*command, "--resume")
    assert (again.code, len(limited_vendor.taken)) == (3, sent)

    path.write_bytes(whole)
    assert segcli(*command, "--resume").code == 0
    assert limited_vendor.taken == ALL


def test_resume_accepts_the_salvaged_plain_text_of_a_truncated_file(
    text: bytes, limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(gz(text)[:-100_000])
    command = to_webhook(vendor(limited_vendor).url, path)
    assert segcli(*command).code == 3
    sent = len(limited_vendor.taken)
    by_hand = subprocess.run(["gzip", "-dc", path], capture_output=True, check=False)
    assert by_hand.returncode == 1
    path.write_bytes(by_hand.stdout)

    assert segcli(*command, "--resume").code == 1
    assert len(limited_vendor.taken) == sent
    (half_a_line,) = records(tmp_path / "webhook.rejects.ndjson")
    assert half_a_line["line"] == sent + 1


def test_unsent_lines_before_a_truncation_are_sent_on_resume(
    pack: Pack,
    text: bytes,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(pack(text)[: len(pack(text)) // 2])
    command = to_webhook(vendor(limited_vendor).url, path)
    limited_vendor.left = 9
    assert segcli(*command).code == 3
    assert report_in(tmp_path)["read"] > 9
    limited_vendor.accept_all()

    assert segcli(*command, "--resume").code == 3
    assert limited_vendor.taken == ALL[: len(limited_vendor.taken)]
    assert report_in(tmp_path)["read_over_all_runs"] == len(limited_vendor.taken) > 9


def test_repaired_file_with_other_content_is_refused_and_named(
    pack: Pack,
    text: bytes,
    limited_vendor: LimitedVendor,
    vendor: Serve,
    segcli: Segcli,
    tmp_path: Path,
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(pack(text)[:-100_000])
    command = to_webhook(vendor(limited_vendor).url, path)
    assert segcli(*command).code == 3
    sent = len(limited_vendor.taken)
    path.write_bytes(pack(text.replace(b'"m3"', b'"m4"', 1)))
    said = segcli(*command, "--resume")

    assert said.code == 2
    assert f"{path} has changed: its first " in said.err
    assert len(limited_vendor.taken) == sent


def test_rejects_name_the_line_in_the_decompressed_text(
    pack: Pack, limited_vendor: LimitedVendor, vendor: Serve, segcli: Segcli, tmp_path: Path
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(
        pack(write_events(tmp_path / "plain", [*tracks(3), b"{]", *tracks(2)]).read_bytes())
    )
    assert segcli(*to_webhook(vendor(limited_vendor).url, path)).code == 1
    (kept,) = records(tmp_path / "webhook.rejects.ndjson")
    assert (kept["file"], kept["line"], kept["raw"]) == (str(path), 4, "{]")


def test_transform_prints_lines_before_a_truncation_and_then_an_error(
    pack: Pack, text: bytes, segcli: Segcli, tmp_path: Path
) -> None:
    path = tmp_path / "events.gz"
    path.write_bytes(pack(text)[:-100_000])
    said = segcli("transform", "-d", "webhook", path)
    whole = len(said.out.splitlines())

    assert said.code == 3
    assert 0 < whole < 80
    assert said.out.encode() == b"".join(text.splitlines(keepends=True)[:whole])
    assert f"{whole}  read" in said.err
    assert f"Error: {path}:{whole + 1}: could not be read past this point" in said.err
