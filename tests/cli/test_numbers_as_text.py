"""A number becomes the same text in every command, so one user stays one user."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.fakes import CommandResult, sending_to

Segcli = Callable[..., CommandResult]
Events = Callable[..., Path]

HEAD = '{"type":"track","event":"Paid","timestamp":"2026-02-16T09:03:51Z","messageId":"%s",'
IDS = ("1.2345678E7", "12345678", "12345678.0", "1234567800e-2", '"12345678"')
OTHER_IDS = ("12345678.5", "12345678.50", "1e40")


def track(user: str, place: int = 0, **more: str) -> bytes:
    fields = {"userId": user, **more}
    rest = ",".join(f'"{name}":{value}' for name, value in fields.items())
    return (HEAD % f"m{place}" + rest + "}").encode()


def identify(traits: str) -> bytes:
    return (
        b'{"type":"identify","timestamp":"2026-02-16T09:03:51Z","messageId":"i1",'
        b'"userId":1.2345678E7,"traits":{"email":"lea@example.com",' + traits.encode() + b"}}"
    )


def payloads(segcli: Segcli, dest: str, file: Path, *options: object) -> list[Any]:
    said = segcli("transform", "-d", dest, *options, file)
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_number_as_id_becomes_the_same_text_in_every_notation(
    segcli: Segcli, events: Events, jobs: str
) -> None:
    file = events(*map(track, IDS))

    for one in payloads(segcli, "gist", file, "--jobs", jobs):
        assert one["user_id"] == "12345678"
    for one in payloads(segcli, "pointillist", file, "--jobs", jobs):
        assert one["actors"] == {"customer": {"userId": "12345678"}}


def test_fractional_id_keeps_its_digits(segcli: Segcli, events: Events) -> None:
    found = payloads(segcli, "gist", events(*map(track, OTHER_IDS)))

    assert [one["user_id"] for one in found] == list(OTHER_IDS)


def test_anonymous_id_number_becomes_the_same_text(segcli: Segcli, events: Events) -> None:
    file = events(track("null", anonymousId="1.2345678E7"))

    [one] = payloads(segcli, "pointillist", file)
    assert one["actors"] == {"customer": {"anonymousId": "12345678"}}


@pytest.mark.parametrize("dest", ["gist", "segment", "webhook"])
def test_user_option_matches_the_text_of_an_id(segcli: Segcli, events: Events, dest: str) -> None:
    file = events(*map(track, (*IDS, *OTHER_IDS)))

    assert len(payloads(segcli, dest, file, "--user", "12345678")) == len(IDS)
    assert len(payloads(segcli, dest, file, "--user", "12345678.50")) == 1
    assert not payloads(segcli, dest, file, "--user", "12345678.0")


def test_events_of_a_user_stay_in_order_in_every_id_notation(
    segcli: Segcli, events: Events, start_sandbox: Callable[..., Any], tmp_path: Path
) -> None:
    lines = [track(IDS[n % len(IDS)], n) for n in range(40)]
    kept = tmp_path / "kept.ndjson"
    endpoint = start_sandbox(keep=kept, latency=0.005).endpoint("webhook")

    said = segcli(*sending_to("webhook", endpoint), "--concurrency", "10", events(*lines))

    assert said.code == 0, said.err
    accepted = [json.loads(line)["payload"]["messageId"] for line in kept.read_text().splitlines()]
    assert accepted == [f"m{n}" for n in range(40)]


def test_labels_phones_and_joined_lists_show_whole_numbers_as_integers(
    segcli: Segcli, events: Events
) -> None:
    traits = '"age":31.0,"phone":4.930123456E9,"tags":[1e3,2.50,"x",7.0],"createdAt":1.771232631E9'
    file = events(identify(traits), track("1.5e3", context='{"traits":{"age":31.0,"n":2.50}}'))

    contact, _ = payloads(segcli, "gist", file)
    assert contact["user_id"] == "12345678"
    assert contact["phone"] == "4930123456"
    assert contact["signed_up_at"] == 1_771_232_631
    assert contact["custom_properties"] == {"age": 31.0, "tags": "1000, 2.50, x, 7"}
    _, event = payloads(segcli, "pointillist", file)
    assert event["labels"] == {"age": "31", "n": "2.50"}
    assert event["actors"] == {"customer": {"userId": "1500"}}


def test_numbers_not_turned_to_text_are_unchanged(segcli: Segcli, events: Events) -> None:
    line = track("1.2345678E7", properties='{"a":31.0,"b":1.50,"c":1E3,"d":12345678901234567890}')
    file = events(line)

    for dest in ("segment", "gist"):
        out = segcli("transform", "-d", dest, file).out
        assert '"a":31.0,"b":1.50,"c":1E3,"d":12345678901234567890' in out
    assert segcli("transform", "-d", "webhook", file).out == line.decode() + "\n"


def test_template_directive_writes_numbers_as_javascript_does(
    segcli: Segcli, events: Events, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(
        'name = "acme"\n[request]\nurl = "https://acme.example"\n'
        '[[actions]]\nsubscribe = "type = \\"track\\""\n'
        "[actions.mapping]\n"
        'text = { "@template" = "{{properties.n}}" }\nnumber = { "@path" = "$.properties.n" }\n'
    )
    numbers = ("1.2E7", "1.50", "1e21", "1e-7")
    file = events(*(track('"u"', properties=f'{{"n":{n}}}') for n in numbers))

    out = segcli("transform", "-d", "./acme.toml", file).out.splitlines()

    assert out == [
        '{"text":"12000000","number":1.2E7}',
        '{"text":"1.5","number":1.50}',
        '{"text":"1e+21","number":1e21}',
        '{"text":"1e-7","number":1e-7}',
    ]


def test_where_option_compares_numbers_by_value(segcli: Segcli, events: Events) -> None:
    file = events(*(track('"u"', properties=f'{{"n":{n}}}') for n in ("1.50", "15e-1", "1.5", "2")))

    assert len(payloads(segcli, "webhook", file, "--where", "properties.n = 1.5")) == 3
    assert len(payloads(segcli, "webhook", file, "--where", "properties.n > 1.25")) == 4


def test_engage_writes_whole_number_ids_as_integers(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "members.jsonl").write_text(
        '{"userId":1.2345678E7,"email":"a@example.com"}\n'
        '{"userId":12345678,"email":"a@example.com"}\n'
        '{"userId":7.50,"email":"b@example.com"}\n'
    )

    said = segcli("engage", "audience", "Vips", "-d", "segment", "--dry-run", "members.jsonl")

    found = [json.loads(line)["userId"] for line in said.out.splitlines()]
    assert sorted(found) == ["12345678", "7.50"], said.err
