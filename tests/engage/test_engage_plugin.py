"""A plug-in's destination gets audiences like a built-in one."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.engage import STATE, csv, events
from support.fakes import CommandResult, report_in

Segcli = Callable[..., CommandResult]
PlugIn = Callable[[str], None]

TAKES_IDENTIFY = """
from dataclasses import replace
from support.acme import ACME
from segcli import Payload

def payload(event, settings):
    return Payload("/v1/traits", {"who": event.user, "says": event.object("traits")})

ACME = replace(ACME, name="zeta", label="Zeta", types=frozenset({"identify"}), payload=payload)
"""


@pytest.fixture
def plug_in(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[PlugIn]:
    """Install a destination `zeta` with this code."""
    site = tmp_path_factory.mktemp("site")
    information = site / "zeta-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: zeta\nVersion: 1.0\n")
    points = "[segcli.destinations]\nzeta = zeta_of_a_test:ACME\n"
    (information / "entry_points.txt").write_text(points)

    def plug_in(code: str) -> None:
        (site / "zeta_of_a_test.py").write_text(code)
        monkeypatch.syspath_prepend(str(site))

    yield plug_in
    sys.modules.pop("zeta_of_a_test", None)


def test_plug_in_receives_added_and_removed_members_in_batches(
    plug_in: PlugIn, segcli: Segcli, tmp_path: Path
) -> None:
    plug_in(TAKES_IDENTIFY)
    to = ["--dest", "zeta", "--sandbox", "--state", STATE, "--report", "report.json"]
    sync = ["engage", "audience", "Big Spenders", "m.csv", *to, "--concurrency", "1"]
    csv(tmp_path / "m.csv", range(150))
    first = segcli(*sync)
    requests = report_in(tmp_path)["requests"]
    csv(tmp_path / "m.csv", range(100, 160))
    later = segcli(*sync, "--max-removals", "100")

    assert (first.code, requests) == (0, 2)
    assert "150  delivered" in first.err
    assert "big_spenders: 150 known; 10 to update, 100 to remove." in later.err
    assert report_in(tmp_path)["ledger"]["delivered"] == 110


def test_events_for_a_plug_in_disable_all_other_integrations(
    plug_in: PlugIn, segcli: Segcli, tmp_path: Path
) -> None:
    plug_in(TAKES_IDENTIFY)
    csv(tmp_path / "m.csv", ["u1"])
    said = segcli("engage", "audience", "Big", "m.csv", "--dest", "zeta", "--dry-run")
    (tmp_path / "events").write_text(said.out)

    assert [event["integrations"] for event in events(said.out)] == [{"All": False, "Zeta": True}]
    assert events(segcli("transform", "--dest", "zeta", "events").out) == [
        {"who": "u1", "says": {"big": True, "email": "u1@example.com"}}
    ]


def test_destination_without_identify_is_refused(
    plug_in: PlugIn, segcli: Segcli, tmp_path: Path
) -> None:
    plug_in(
        "from dataclasses import replace\n"
        "from support.acme import ACME as made\n"
        "ACME = replace(made, name='zeta')"
    )
    file = csv(tmp_path / "m.csv", ["u1"])
    for more in ("--dry-run", "--sandbox"):
        said = segcli("engage", "audience", "Big", file, "--dest", "zeta", more)

        assert said.code == 2
        assert "zeta takes no identify, so it cannot be synced" in said.err
    assert list(tmp_path.iterdir()) == [file]
