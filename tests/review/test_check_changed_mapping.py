"""A changed line of a mapping is reported as exactly the fields that changed."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pytest
from support.check_reports import read_text
from support.fakes import CommandResult
from support.samples import Run

import segcli as package

PACKAGE = Path(package.__file__).parent
Segcli = Callable[..., CommandResult]


@dataclass(frozen=True, slots=True)
class Change:
    """One line of one mapping, what it becomes, and the differences that this makes."""

    dest: str
    old: str
    new: str
    differences: frozenset[str]

    def code(self) -> str:
        """Return the module with this change."""
        code = (PACKAGE / "destinations" / f"{self.dest}.py").read_text()
        assert code.count(self.old) == 1, f"{self.dest}.py has not one line with {self.old}"
        return code.replace(self.old, self.new)

    def copy_to(self, folder: Path) -> None:
        """Copy the package there, with this change."""
        shutil.copytree(PACKAGE, folder / "segcli")
        (folder / "segcli" / "destinations" / f"{self.dest}.py").write_text(self.code())

    def put_in_place(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process import the module with this change: a copy takes ten times as long."""
        name = f"segcli.destinations.{self.dest}"
        module = ModuleType(name)
        monkeypatch.setitem(sys.modules, name, module)
        exec(self.code(), module.__dict__)


CHANGES = [
    Change(
        "gist",
        '"last_seen_ip": _string(',
        '"last_ip": _string(',
        frozenset({"removed: payload.last_seen_ip", "added: payload.last_ip"}),
    ),
    Change(
        "gist",
        '"occurred_at": _occurred_at(event)',
        '"occurred_at": event.time',
        frozenset({"changed: payload.occurred_at"}),
    ),
    Change(
        "gist",
        '"phone": _take_text(rest, "phone"),',
        "",
        frozenset({"removed: payload.phone", "added: payload.custom_properties.phone"}),
    ),
    Change(
        "pointillist",
        '"eventSource": settings.event_source,',
        '"eventSource": settings.event_source.upper(),',
        frozenset({"changed: payload.eventSource"}),
    ),
    Change(
        "pointillist",
        'add_labels(context["campaign"], "campaign.", labels)',
        "pass",
        # In one event a trait has the label of the campaign's source, and shows in its place.
        frozenset({"changed: payload.labels.campaign.source"})
        | {
            f"removed: payload.labels.campaign.{key}"
            for key in ("content", "medium", "name", "source", "term")
        },
    ),
    Change(
        "pointillist", 'Payload("/event", body', 'Payload("/x", body', frozenset({"changed: route"})
    ),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.old)
def test_changed_mapping_line_reports_exactly_the_changed_fields(
    segcli: Segcli, samples: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    command = command_for(change.dest, samples)
    segcli(*command, "--update")
    change.put_in_place(monkeypatch)

    said = segcli(*command)

    assert said.code == 1
    assert differences(said.out) == change.differences


def test_changed_mapping_of_a_copy_reports_exactly_the_changed_fields(
    segcli: Segcli, run_segcli: Run, samples: Path, tmp_path: Path
) -> None:
    change, *_ = CHANGES
    command = command_for(change.dest, samples)
    segcli(*command, "--update")
    change.copy_to(tmp_path / "scratch")

    done = run_segcli(*command, env={"PYTHONPATH": str(tmp_path / "scratch")})

    assert done.returncode == 1
    assert differences(done.stdout.decode()) == change.differences


def command_for(dest: str, samples: Path) -> list[str | Path]:
    files = [samples / "checkout.jsonl", samples / "signup.jsonl"]
    return ["check", "-d", dest, "--expect", "golden.ndjson", *files]


def test_unchanged_copy_of_the_mapping_has_no_differences(
    segcli: Segcli, run_segcli: Run, samples: Path, tmp_path: Path
) -> None:
    command = ["check", "--expect", "golden.ndjson", samples / "checkout.jsonl"]
    segcli(*command, "--update")
    same = 'label="Pointillist"'
    Change("pointillist", same, same, frozenset()).copy_to(tmp_path / "scratch")

    done = run_segcli(*command, env={"PYTHONPATH": str(tmp_path / "scratch")})

    assert done.returncode == 0
    assert differences(done.stdout.decode()) == set()


def differences(out: str) -> set[str]:
    """Return state and path of each difference, without the values."""
    texts = [one.text for one in read_text(out)]
    own = ("rejected: ", "warning: ")
    return {" ".join(text.split(" ")[:2]) for text in texts if not text.startswith(own)}
