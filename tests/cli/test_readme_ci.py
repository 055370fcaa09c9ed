"""The GitHub Actions job and the pre-commit hook of the guide `ci` work as the guide says."""

import re
import shlex
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.check_reports import read_github, rows_of
from support.documents import GUIDES, files_of
from support.samples import ROOT, job_for, lines_of

from segcli.core.event import Rejected
from segcli.core.outcome import outcome_of

Shell = Callable[[str], "subprocess.CompletedProcess[str]"]
FIXTURES = Path("tests/fixtures")
GOLDEN = FIXTURES / "gist.golden.ndjson"


def documents() -> dict[str, Any]:
    """Return the guide's YAML files by name."""
    found = files_of(GUIDES["ci"].read_text())
    return {name: yaml.safe_load(text) for name, text in found.items()}


def steps() -> list[dict[str, Any]]:
    """Return the steps of the workflow's only job."""
    (job,) = documents()[".github/workflows/tracking.yml"]["jobs"].values()
    return list(job["steps"])


def commands() -> list[str]:
    """Return the steps that run segcli."""
    return [step["run"] for step in steps() if step.get("run", "").startswith("segcli ")]


def hook() -> dict[str, Any]:
    """Return the hook as pre-commit runs it: the project's own, with the guide's additions."""
    (repository,) = documents()[".pre-commit-config.yaml"]["repos"]
    (named,) = repository["hooks"]
    offered = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return {one["id"]: one for one in offered}[named["id"]] | named


def matching(names: Iterable[str]) -> list[str]:
    """Return the files that pre-commit appends to the command."""
    files, exclude = hook()["files"], hook().get("exclude", "^$")
    return [name for name in names if re.search(files, name) and not re.search(exclude, name)]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with fixtures that Gist accepts, and their golden file."""
    (tmp_path / FIXTURES).mkdir(parents=True)
    for name in ("checkout", "mobile"):
        lines = lines_of(name)
        taken = [one for one in lines if not isinstance(outcome_of(one, job_for("gist")), Rejected)]
        (tmp_path / FIXTURES / f"{name}.jsonl").write_bytes(b"\n".join(taken) + b"\n")
    (tmp_path / "README.md").write_text("no events\n")
    return tmp_path


@pytest.fixture
def shell(repository: Path, shell_environment: dict[str, str]) -> Shell:
    """Run a step as GitHub does, in the repository."""
    summary = {"GITHUB_STEP_SUMMARY": str(repository / "summary.md")}

    def run(command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=repository,
            env=shell_environment | summary,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def golden(shell: Shell) -> None:
    """Write the golden file as the guide says: the job's command with --update."""
    assert shell(f"{commands()[-1]} --update").returncode == 0


def test_every_step_of_the_workflow_uses_an_action_or_runs_a_command() -> None:
    workflow = documents()[".github/workflows/tracking.yml"]

    # YAML 1.1 reads the key `on` as true.
    assert workflow[True] == ["pull_request"]
    assert all(len({"uses", "run"} & set(step)) == 1 for step in steps())
    assert len(commands()) == 1


@pytest.mark.usefixtures("golden")
def test_job_passes_if_nothing_changed(shell: Shell, repository: Path) -> None:
    done = shell(commands()[0])

    assert done.returncode == 0
    assert "::error" not in done.stdout
    assert "::notice title=segcli check::" in done.stdout
    summary = (repository / "summary.md").read_text()
    assert summary.startswith("### segcli check: gist\n")
    assert {row[0] for row in rows_of(summary, "route")} == {"/contacts", "/events"}


@pytest.mark.usefixtures("golden")
def test_job_fails_and_annotates_the_line_of_a_changed_event(
    shell: Shell, repository: Path
) -> None:
    file = repository / FIXTURES / "checkout.jsonl"
    lines = file.read_bytes().split(b"\n")
    place = next(at for at, line in enumerate(lines) if b'"Order Completed"' in line)
    lines[place] = lines[place].replace(b'"Order Completed"', b'"Order Done"')
    file.write_bytes(b"\n".join(lines))

    done = shell(commands()[0])

    assert done.returncode == 1
    changed = [one for one in read_github(done.stdout) if one.text.startswith("changed: ")]
    assert [(one.file, one.line) for one in changed] == [
        (str(FIXTURES / "checkout.jsonl"), place + 1)
    ]
    assert changed[0].text.startswith(
        'changed: payload.event_name from "Order Completed" to "Order Done"'
    )


@pytest.mark.usefixtures("golden")
def test_job_fails_and_annotates_a_rejected_event(shell: Shell, repository: Path) -> None:
    with (repository / FIXTURES / "mobile.jsonl").open("a") as file:
        file.write('{"type": "identify", "userId": "u1"}\n')

    done = shell(commands()[0])

    assert done.returncode == 1
    found = {one.text for one in read_github(done.stdout)}
    assert "rejected: traits.email is required by Gist on identify" in found
    assert "new: line that is not in the golden file" in found
    states = {row[2] for row in rows_of((repository / "summary.md").read_text(), "where")}
    assert "rejected" in states


def test_hook_in_the_guide_is_defined_by_the_project() -> None:
    assert hook()["id"] == "segcli-check"
    assert hook()["language"] == "python"
    assert shlex.split(hook()["entry"])[0] == "segcli"


@pytest.mark.usefixtures("golden")
def test_hook_runs_on_matching_files_and_stops_a_bad_commit(shell: Shell, repository: Path) -> None:
    files = [str(one.relative_to(repository)) for one in repository.rglob("*") if one.is_file()]
    command = [*shlex.split(hook()["entry"]), *hook()["args"], *sorted(matching(files))]

    assert str(GOLDEN) in files
    assert sorted(matching(files)) == [f"{FIXTURES}/checkout.jsonl", f"{FIXTURES}/mobile.jsonl"]
    assert shell(shlex.join(command)).returncode == 0

    (repository / FIXTURES / "mobile.jsonl").write_text('{"type": "track"}\n')
    done = shell(shlex.join(command))

    assert done.returncode == 1
    assert f"{FIXTURES}/mobile.jsonl:1: SEG202 rejected: event is required on track" in done.stdout
