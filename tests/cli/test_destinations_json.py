"""`segcli destinations --format json` prints the same facts as the text format, and no key."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import ROOT

from segcli import destinations

Segcli = Callable[..., CommandResult]
KEY = "sk_live_8f2b61c0d9e74a53"


def test_all_destinations_are_an_array_in_list_order(segcli: Segcli) -> None:
    found = json.loads(segcli("destinations", "--format", "json").out)

    assert [one["name"] for one in found] == destinations.names()
    assert found[0]["types"] == ["identify", "track"]


def test_one_destination_has_its_settings_limits_and_fields(segcli: Segcli) -> None:
    found = json.loads(segcli("destinations", "gist", "--format", "json").out)
    settings = {row["name"]: row for row in found["settings"]}

    assert found["label"] == "Gist"
    assert settings["api_key"] == {
        "name": "api_key",
        "kind": "secret",
        "env": "SEGCLI_GIST_API_KEY",
        "required": True,
        "default": None,
        "help": settings["api_key"]["help"],
        "set_by": None,
    }
    assert settings["batch"]["kind"] == "integer"
    assert settings["endpoint"]["default"].startswith("https://")
    assert {"source", "target", "note", "on"} == found["fields"][0].keys()
    assert found["limits"].keys() == {"events", "bytes", "payload_bytes", "rate"}


def test_source_of_a_key_is_shown_but_not_the_key(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
    out = segcli("destinations", "gist", "--format", "json").out
    [key] = [row for row in json.loads(out)["settings"] if row["name"] == "api_key"]

    assert key["set_by"] == "SEGCLI_GIST_API_KEY"
    assert KEY not in out


def test_json_of_a_destination_file_has_its_actions(segcli: Segcli) -> None:
    path = ROOT / "sample_events" / "destinations" / "slack.toml"
    found = json.loads(segcli("destinations", path, "--format", "json").out)

    assert {"name", "events", "posted", "limits", "form"} == found["actions"][0].keys()


def test_schema_ids_and_project_urls_start_with_the_homepage() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    home = project["urls"]["Homepage"]

    assert all(url.startswith(home) for url in project["urls"].values())
    raw = home.replace("github.com", "raw.githubusercontent.com")
    for schema in ("review/check.schema.json", "destination_file/schema.json"):
        path = Path("segcli", schema)
        assert json.loads((ROOT / path).read_text())["$id"] == f"{raw}/main/{path}"
