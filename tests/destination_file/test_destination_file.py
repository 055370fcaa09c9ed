"""A destination file: which events it takes, how they are mapped, and how they are sent."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.destination_file import ACME, TRACK, acme, changed, job_of
from support.samples import KEY, event_of, job_for, line_of

from segcli.core.decision import FanOut, Mapped, Skipped
from segcli.core.destination import Remark
from segcli.core.event import Rejected
from segcli.core.outcome import Job, outcome_of
from segcli.core.settings import SettingSources, read_settings, require
from segcli.destination_source import find_destination, is_path
from segcli.destinations import BUILT_IN

ORDER = {"subscribe": f'{TRACK} and event = "Order Completed"', "mapping": {"order": 1}}
GENERAL = {"name": "General", "subscribe": TRACK, "mapping": {"general": 1}}
TOML = """
name = "acme"
[settings.api_key]
secret = true
required = true
[request]
url = "https://api.acme.example/v1/track"
auth = { bearer = "{settings.api_key}" }
[[actions]]
subscribe = 'type = "track"'
"""


def payload(changes: dict[str, Any], **event: Any) -> Any:
    found = outcome_of(line_of(**event), job_of(acme(changes)))
    return json.loads(found.body) if isinstance(found, Mapped) else found


# --- which events


def test_event_that_matches_no_action_is_skipped_with_a_reason() -> None:
    job = job_of(acme({"actions.0": ORDER}))

    assert outcome_of(line_of(event="Tried"), job) == Skipped("no action of acme takes it")
    assert outcome_of(line_of(type="page"), job) == Skipped("page is not for acme")
    assert isinstance(outcome_of(line_of(event="Order Completed"), job), Mapped)
    with pytest.raises(Rejected, match="no action of acme takes it"):
        job.destination.payload(event_of(event="Tried"), job.settings)


def test_types_are_those_that_the_queries_can_match() -> None:
    page = {"subscribe": 'type = "page" or type = "screen"', "mapping": {}}

    assert acme().types == {"track"}
    assert acme({"actions.1": page}).types == {"track", "page", "screen"}
    assert len(acme({"actions.0.subscribe": "userId != null"}).types) == 6


def test_without_fan_out_the_first_action_maps_the_event_and_the_others_are_noted() -> None:
    destination = acme({"actions": [{"name": "Order", **ORDER}, GENERAL], "fan_out": False})
    settings = job_of(destination).settings
    order, other = event_of(event="Order Completed"), event_of(event="Tried")

    assert destination.payload(order, settings).body == {"order": 1}
    assert destination.payload(order, settings).notes == ("taken by Order, not by General",)
    assert destination.payload(other, settings).body == {"general": 1}
    assert destination.payload(other, settings).notes == ()
    assert [*destination.remarks(other, settings)] == []
    assert [*destination.remarks(order, settings)] == [
        Remark("", "is taken by Order, so not by General, which comes later")
    ]


def test_an_event_goes_to_every_action_that_takes_it_in_their_order() -> None:
    broken = {"name": "Broken", "subscribe": TRACK, "mapping": {}, "required": ["a"]}
    job = job_of(acme({"actions": [{"name": "Order", **ORDER}, broken, GENERAL]}))
    found = outcome_of(line_of(event="Order Completed"), job)

    assert isinstance(found, FanOut)
    assert [(one.action, one.body) for one in found.mapped] == [
        ("Order", b'{"order":1}'),
        ("General", b'{"general":1}'),
    ]
    assert [one.action for one in found.requests] == ["Order", "Broken", "General"]
    assert [str(one.rejected) for one in found.unmapped] == [
        "a is required, but the mapping of Broken does not set it"
    ]
    assert [*job.destination.remarks(event_of(event="Order Completed"), job.settings)] == []


def test_an_event_that_one_of_several_actions_takes_has_one_outcome() -> None:
    broken = {"name": "Broken", "subscribe": 'type = "page"', "mapping": {}, "required": ["a"]}
    job = job_of(acme({"actions": [{"name": "Order", **ORDER}, GENERAL, broken]}))
    mapped, rejected = (
        outcome_of(line_of(event="Tried"), job),
        outcome_of(line_of(type="page"), job),
    )

    assert isinstance(mapped, Mapped)
    assert (mapped.action, mapped.body) == ("General", b'{"general":1}')
    assert isinstance(rejected, Rejected)
    assert rejected.action == "Broken"


def test_the_actions_of_a_record_are_the_only_ones_that_its_event_is_for() -> None:
    job = job_of(acme({"actions": [{"name": "Order", **ORDER}, GENERAL]}))
    single = job_of(acme({"actions": [{"name": "Order", **ORDER}, GENERAL], "fan_out": False}))

    def found(names: Any, job: Job = job) -> Any:
        event = line_of(event="Order Completed").decode()
        record = f'"state":"refused","reason":"","actions":{json.dumps(names)},"event":{event}'
        return outcome_of(f'{{"file":"a","line":1,{record}}}'.encode(), job)

    assert isinstance(found(["General", "Order"]), FanOut)
    assert (found(["General"]).action, found(["General"], single).action) == ("General", "General")
    assert str(found(["Order", "Gone"])) == "actions names Gone, which is no action of acme"
    assert str(found(["Order"], job_for("gist"))) == (
        "actions names Order, which is no action of gist"
    )
    for wrong in ([], "Order", [1], None):
        assert str(found(wrong)) == "actions is not a list of names"


def test_label_or_label_setting_is_the_name_in_integrations() -> None:
    off = line_of(integrations={"Acme Inc": False})
    labelled = acme({"label": "Acme Inc"})
    set_so = acme({"settings.label": {"help": "its name"}})

    assert isinstance(outcome_of(off, job_of(labelled)), Skipped)
    assert isinstance(outcome_of(off, job_of(acme())), Mapped)
    assert isinstance(outcome_of(off, job_of(set_so, label="Acme Inc")), Skipped)


# --- what they become


@pytest.mark.parametrize(
    "mapping",
    [{"name": {"@path": "$.event"}}, '{"name": {"@path": "$.event"}}'],
    ids=["object", "text"],
)
def test_mapping_is_a_table_or_json_text(mapping: Any) -> None:
    assert payload({"actions.0.mapping": mapping}) == {"name": "Tried"}


def test_mapping_can_be_in_a_separate_file(tmp_path: Path) -> None:
    (tmp_path / "maps").mkdir()
    (tmp_path / "maps" / "track.json").write_text('{"name": {"@path": "$.event"}}')
    (tmp_path / "acme.toml").write_text(TOML + 'mapping_file = "maps/track.json"\n')
    beside = find_destination(str(tmp_path / "acme.toml"))
    (tmp_path / "acme.toml").write_text(
        TOML + "mapping = '''{\"name\": {\"@path\": \"$.event\"}}'''\n"
    )
    inside = find_destination(str(tmp_path / "acme.toml"))

    assert outcome_of(line_of(), job_of(beside)) == outcome_of(line_of(), job_of(inside))
    assert beside.revision == inside.revision


def test_toml_and_json_describe_the_same_destination(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_text(TOML + 'mapping = { name = { "@path" = "$.event" } }\n')
    (tmp_path / "acme.json").write_text("\ufeff" + json.dumps(ACME))
    toml, parsed = (find_destination(f"{tmp_path}/acme{ending}") for ending in (".toml", ".json"))

    assert toml.layout == parsed.layout
    assert (toml.types, toml.fields, toml.actions) == (parsed.types, parsed.fields, parsed.actions)
    assert toml.revision == parsed.revision


def test_numbers_of_the_file_and_the_event_keep_every_digit() -> None:
    long = "123456789012345678901234567890.12345678901234567890"
    text = json.dumps(changed(ACME, {"actions.0.mapping": {"a": "DIGITS", "b": {"@path": "$.n"}}}))
    from segcli.destination_file import destination_from_text

    destination = destination_from_text(
        text.replace('"DIGITS"', long), "acme.json", str, taken=BUILT_IN
    )
    line = line_of(n="DIGITS").replace(b'"DIGITS"', long.encode())
    found = outcome_of(line, job_of(destination))

    assert isinstance(found, Mapped)
    assert found.body == f'{{"a":{long},"b":{long}}}'.encode()


def test_missing_required_field_rejects_the_event() -> None:
    changes = {
        "actions.0.name": "Event",
        "actions.0.required": ["user.id"],
        "actions.0.mapping": {"user": {"id": {"@path": "$.userId"}}},
    }

    assert payload(changes) == {"user": {"id": "u1"}}
    for absent in (..., None, ""):
        found = payload(changes, userId=absent, anonymousId="a1")
        assert str(found) == "user.id is required, but the mapping of Event does not set it"


def test_mapping_result_that_is_not_an_object_rejects_the_event() -> None:
    changes = {"actions.0.mapping": {"@path": "$.properties"}}

    assert payload(changes, properties={"a": 1}) == {"a": 1}
    assert str(payload(changes)) == "the mapping of actions[0] does not return an object"


def test_event_too_large_for_any_request_is_rejected() -> None:
    changes = {"limits.payload_bytes": 20, "batch": {"events": 9, "bytes": 18}}

    assert payload(changes, event="12345") == {"name": "12345"}
    assert str(payload(changes, event="123456")) == "larger than the 16 bytes that acme takes"


def test_payload_limit_applies_without_a_batch() -> None:
    changes = {"limits.payload_bytes": 20}

    assert payload(changes, event="123456789") == {"name": "123456789"}
    assert str(payload(changes, event="1234567890")) == "larger than the 20 bytes that acme takes"


# --- settings


@pytest.mark.parametrize(
    ("default", "equal"), [(1, True), (1.0, 1), (0.0, -0.0), (-0.0, 0.0), ("1", 1), (False, 0)]
)
def test_default_is_the_one_of_the_file_after_a_file_with_an_equal_one(
    default: Any, equal: Any
) -> None:
    def written(value: Any) -> str:
        changes = {"settings.n": {"default": value}, "actions.0.mapping.n": {"@setting": "n"}}
        return repr(job_of(acme(changes)).settings.n)

    assert (written(equal), written(default)) == (repr(equal), repr(default))


SETTINGS = {
    "settings.region": {"default": "eu", "help": "where"},
    "settings.n": {"default": 7},
    "settings.ratio": {"type": "number", "default": 1},
    "settings.on": {"default": True},
    "request.headers": {
        name: f"{{settings.{name}}}" for name in ("region", "n", "ratio", "on")
    },
}  # fmt: skip


def test_settings_of_a_file_come_from_all_usual_sources() -> None:
    destination = acme({"name": "my-acme"} | SETTINGS)
    sources = SettingSources(
        given={"ratio": "2.5"},
        env={"SEGCLI_MY_ACME_API_KEY": KEY, "SEGCLI_MY_ACME_N": "8"},
        table={"on": False, "n": 9, "region": "us"},
    )
    found = read_settings("my-acme", destination.settings, sources)

    assert (found.region, found.n, found.ratio, found.on) == ("us", 8, 2.5, False)
    assert found.endpoint == "https://api.acme.example"
    assert found.api_key.reveal() == KEY
    assert KEY not in repr(found)
    headers = destination.request("/", [b"{}"], found).headers
    assert [headers[name] for name in ("region", "n", "ratio", "on")] == ["us", "8", "2.5", "false"]


def test_required_settings_are_required_for_sending_only() -> None:
    from segcli.errors import SettingsError

    destination = acme({"settings.api_key.help": "the key of Acme"})
    settings = read_settings(
        "acme", destination.settings, SettingSources(given={}, env={}, table={})
    )

    with pytest.raises(SettingsError, match=r"acme needs api_key \(the key of Acme\)"):
        require("acme", settings)


def test_path_is_recognized_by_a_slash_or_its_suffix() -> None:
    assert all(map(is_path, ("./acme.toml", "acme.toml", "acme.json", "a/b", "/tmp/x")))
    assert not any(map(is_path, ("gist", "acme", "my-acme")))


def test_revision_of_a_file_is_stable_across_segcli_versions() -> None:
    """A journal holds it: with another one, no run that was stopped could be resumed."""
    changes = {"label": "Acme Inc", "actions.0.required": ["name"], "actions.1": ORDER}

    assert acme().revision == "411c7fd27e93d1f9"
    assert acme(changes).revision == "326c4b4a63432cf2"


def test_revision_changes_only_if_payloads_change() -> None:
    same = [
        {"request.url": "https://eu.acme.example/v2"},
        {"reply": {"retry": [409]}},
        {"limits.rate": 5},
        {"about": "x"},
        {"batch": {"events": 9}},
        {"actions.0.name": "Event"},
    ]
    other = [
        {"label": "Other"},
        {"actions.0.mapping": {"name": 1}},
        {"actions.0.subscribe": f"{TRACK} and userId != null"},
        {"actions.0.required": ["name"]},
        {"actions.1": ORDER},
        {"actions.1": ORDER, "actions.0.name": "Event"},
        {"actions.1": ORDER, "fan_out": False},
    ]

    assert {acme(change).revision for change in same} == {acme().revision}
    assert len({acme(change).revision for change in other} | {acme().revision}) == 8
