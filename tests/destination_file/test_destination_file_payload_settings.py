"""Settings in payloads: their values are sent, and keys are shown nowhere."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, acme, changed, job_of
from support.samples import KEY, SAMPLES, Run
from support.tables import for_each

from segcli.core.event import Event
from segcli.core.outcome import Mapped, map_event
from segcli.core.redaction import Redactor
from segcli.errors import SegcliError
from segcli.sandbox import Fault, Script, running
from segcli.sandbox.kept import with_keys_masked
from segcli.sandbox.vendors.from_file import vendor_from_layout

MAPPING = {
    "app": {"@setting": "app_id"},
    "key": {"@setting": "api_key"},
    "meta": [{"low": {"@case": {"operator": "lower", "value": {"@setting": "api_key"}}}}],
    "name": {"@path": {"@setting": "path"}},
}
SETTINGS = {
    "settings.app_id": {"required": True},
    "settings.path": {"default": "$.event"},
    "actions.0.mapping": MAPPING,
}
EVENT = Event(b"", {"type": "track", "event": "Seen", "userId": "u1"})


def payload(*, reveals_keys: bool, **given: str) -> Any:
    job = job_of(acme(SETTINGS), **{"app_id": "a1"} | given)
    outcome = map_event(EVENT, replace(job, reveals_keys=reveals_keys))
    return json.loads(outcome.body) if isinstance(outcome, Mapped) else str(outcome)


def test_a_payload_that_is_sent_holds_the_values_of_settings() -> None:
    assert payload(reveals_keys=True) == {
        "app": "a1",
        "key": KEY,
        "meta": [{"low": KEY.lower()}],
        "name": "Seen",
    }


def test_a_payload_that_is_shown_holds_no_key_and_nothing_made_of_it() -> None:
    shown = {"app": "a1", "key": "***", "meta": [{"low": "***"}], "name": "Seen"}

    assert payload(reveals_keys=False) == shown


def test_a_setting_keeps_its_type_and_one_without_a_value_leaves_out_its_field() -> None:
    changes = {
        "settings.n": {"default": 5},
        "settings.on": {"default": False},
        "settings.share": {"default": 0.5},
        "settings.none": {"default": ""},
        "actions.0.mapping": {name: {"@setting": name} for name in ("n", "on", "share", "none")},
    }
    job = job_of(acme(changes))

    assert job.destination.payload(EVENT, job.settings).body == {"n": 5, "on": False, "share": 0.5}


def test_a_required_setting_that_is_not_given_is_shown_by_its_name() -> None:
    mapping = {"app": {"@setting": "app_id"}}
    job = job_of(acme({"settings.app_id": {"required": True}, "actions.0.mapping": mapping}))

    assert job.destination.payload(EVENT, job.settings).body == {"app": "{settings.app_id}"}


def test_other_settings_give_other_payloads_of_one_destination() -> None:
    destination = acme(SETTINGS)
    one, other = (job_of(destination, app_id=name) for name in ("a1", "a2"))

    found = [
        destination.payload(EVENT, job.settings).body["app"]  # type: ignore[index]
        for job in (one, other, one)
    ]

    assert found == ["a1", "a2", "a1"]


def test_a_template_holds_the_values_of_settings_as_text() -> None:
    changes = {
        "settings.app_id": {"default": "a1"},
        "settings.n": {"default": 5},
        "settings.on": {"default": False},
        "settings.none": {"default": ""},
        "settings.site": {"required": True},
        "actions.0.mapping": {
            "text": {"@template": "{{ settings.app_id }}-{{{settings.n}}}: {{event}}"},
            "more": [{"@template": "{{settings.on}}{{settings.none}} {{settings.site}}"}],
        },
    }
    job = job_of(acme(changes), app_id="$.userId, $& and \\1")

    assert job.destination.payload(EVENT, job.settings).body == {
        "text": "$.userId, $& and \\1-5: Seen",
        "more": ["false {settings.site}"],
    }
    assert [row.note for row in job.destination.fields][:2] == [
        'the setting n, in "{{ settings.app_id }}-{{{settings.n}}}: {{event}}"',
        'the setting app_id, in "{{ settings.app_id }}-{{{settings.n}}}: {{event}}"',
    ]


def test_a_setting_in_a_template_must_not_hold_another_template() -> None:
    mapping = {"a": {"@template": "{{settings.app_id}}"}}
    destination = acme({"settings.app_id": {"default": "x"}, "actions.0.mapping": mapping})

    with pytest.raises(SegcliError, match="a text without"):
        job_of(destination, app_id="{{userId}}")


def test_a_key_that_is_not_shown_fits_the_type_of_its_field() -> None:
    fields = {"app": "integer", "key": "string uuid", "keys": "string multiple uuid", "n": "number"}
    mapping = {
        "app": {"@setting": "app_id"},
        "key": {"@setting": "api_key"},
        "keys": {"@json": {"mode": "encode", "value": [{"@setting": "api_key"}]}},
        "n": {"@path": "$.n"},
    }
    changes = {"settings.app_id": {"required": True}, "actions.0.fields": fields}
    job = job_of(acme(changes | {"actions.0.mapping": mapping}))
    event = Event(b"", EVENT.data | {"n": "***"})

    shown = map_event(EVENT, job)
    sent = map_event(EVENT, replace(job, reveals_keys=True))

    assert isinstance(shown, Mapped)
    assert json.loads(shown.body) == {
        "app": "{settings.app_id}",
        "key": "***",
        "keys": ['["***"]'],
    }
    assert str(sent) == "key must be a UUID"
    assert "n must be a number" in str(map_event(event, replace(job, reveals_keys=True)))


def test_values_that_a_mapping_does_not_take_are_an_error_before_anything_is_sent() -> None:
    replaced = {"@replace": {"pattern": {"@setting": "mark"}, "value": {"@path": "$.event"}}}
    destination = acme({"settings.mark": {"default": "x"}, "actions.0.mapping": {"a": replaced}})
    job = job_of(destination, mark="longer than ten")

    assert not destination.check_settings(job_of(destination).settings)
    assert destination.check_settings(job.settings) == (
        "the mapping of actions[0] does not take these values: mark"
    )
    assert str(map_event(EVENT, job)) == "the mapping does not take the values of its settings"


def test_people_are_told_which_setting_a_field_is() -> None:
    rows = [(row.target, row.note) for row in acme(SETTINGS).fields]

    assert ("app", "the setting app_id") in rows
    assert ("meta.0.low", "the setting api_key, in lower case") in rows


KEYED = {"k": {"@setting": "api_key"}}
FILE = changed(
    ACME,
    {
        "request": {"url": "https://api.acme.example/v1/track"},
        "actions.0.mapping": {
            "name": {"@path": "$.event"},
            "auth": {
                "@if": {"exists": {"@path": "$.event"}, "then": {"k": {"@setting": "api_key"}}}
            },
            "text": {"@json": {"mode": "encode", "value": [{"@setting": "api_key"}]}},
        },
    },
)


@pytest.fixture(autouse=True)
def file(tmp_path: Path) -> Path:
    path = tmp_path / "acme.json"
    path.write_text(json.dumps(FILE))
    return path


def test_no_command_shows_or_writes_a_key_that_payloads_hold(
    tmp_path: Path, run_segcli: Run
) -> None:
    env = {"SEGCLI_ACME_API_KEY": KEY}
    events = SAMPLES / "checkout.jsonl"
    at = ("--dest", "./acme.json", events)
    printed = b""
    for command in (
        ("transform", "--outcomes", *at),
        ("check", "--format", "json", "--report", "check.json", *at),
        ("check", "--expect", "golden.ndjson", "--update", *at),
        ("check", "--expect", "golden.ndjson", *at),
        ("send", "--sandbox", "--fault", "422:30%", "--seed", "7", "--report", "send.json", *at),
    ):
        done = run_segcli(*command, env=env)
        assert done.returncode in (0, 1, 3), done.stderr
        printed += done.stdout + done.stderr
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        printed += path.read_bytes()

    assert b'"auth":{"k":"***"}' in printed
    assert KEY.encode() not in printed
    assert b"key-of-a-rehearsal" not in printed


def test_a_key_is_sent_and_not_kept_by_the_sandbox(tmp_path: Path, run_segcli: Run) -> None:
    kept = tmp_path / "kept.ndjson"
    layout = acme({"request": FILE["request"], "actions": FILE["actions"]}).layout
    assert layout
    with running(Script(keep=kept, remember=True)) as sandbox:
        sandbox.app.host("acme", vendor_from_layout(layout))
        done = run_segcli(
            *("send", "--dest", "./acme.json", "--endpoint", sandbox.endpoint("acme")),
            SAMPLES / "checkout.jsonl",
            env={"SEGCLI_ACME_API_KEY": KEY},
        )
        sent = [one.payload for one in sandbox.app.accepted]

    assert done.returncode == 0, done.stderr
    assert sent[0]["auth"] == {"k": KEY}
    assert len(kept.read_bytes().splitlines()) == len(sent)
    assert KEY.encode() not in kept.read_bytes() + done.stdout + done.stderr
    assert json.loads(kept.read_bytes().splitlines()[0])["payload"]["auth"] == {"k": "***"}


def test_the_paths_of_keys_lead_into_lists_and_objects() -> None:
    paths = frozenset({"a", "b.c", "d[].e", "f.1", "g.h", "x.y"})
    payload = {"a": 1, "b": {"c": 2, "z": 3}, "d": [{"e": 4}, {}], "f": [5, 6], "g": "text"}

    assert with_keys_masked(payload, paths) == {
        "a": "***",
        "b": {"c": "***", "z": 3},
        "d": [{"e": "***"}, {}],
        "f": [5, "***"],
        "g": "***",
    }


def test_a_key_in_refused_payloads_is_hidden_in_rejects_and_reports(
    tmp_path: Path, run_segcli: Run
) -> None:
    layout = acme({"request": FILE["request"], "actions": FILE["actions"]}).layout
    assert layout
    with running(Script(faults=(Fault("422", 1.0),))) as sandbox:
        sandbox.app.host("acme", vendor_from_layout(layout))
        done = run_segcli(
            *("send", "--dest", "./acme.json", "--endpoint", sandbox.endpoint("acme")),
            *("--report", "report.json", "--rejects", "rejects.ndjson", "--limit", "3"),
            SAMPLES / "checkout.jsonl",
            env={"SEGCLI_ACME_API_KEY": KEY},
        )

    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert len((tmp_path / "rejects.ndjson").read_bytes().splitlines()) == 3, done.stderr
    assert KEY.encode() not in written + done.stdout + done.stderr


@for_each("clean", ["none", "trim", "lower"])
def test_a_hash_of_a_key_is_hidden_like_the_key(clean: str) -> None:
    key = "Sk_Live_8f2b61c0d9e7"
    hashed = {"@sha256": {"value": {"@setting": "api_key"}, "clean": clean}}
    job = job_of(acme({"actions.0.mapping": {"id": hashed}}), api_key=key)
    sent = map_event(EVENT, replace(job, reveals_keys=True))
    assert isinstance(sent, Mapped)
    made = json.loads(sent.body)["id"]

    assert len(made) == 64
    assert Redactor(job.secrets()).redact(f"no contact {made}") == "no contact ***"
