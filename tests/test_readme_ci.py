"""What the README says to put into a repository's CI works, as far as that goes without it."""

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from samples import SAMPLES, job_for

from segcli.outcome import Mapped, outcome_of

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def snippet(name: str) -> Any:
    """Return the YAML that the README shows for a file."""
    found = re.search(rf"```yaml\n# {re.escape(name)}\n(.*?)```", README, re.DOTALL)
    assert found, name
    return yaml.safe_load(found[1])


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    fixtures = tmp_path / "tests" / "fixtures"
    fixtures.mkdir(parents=True)
    lines = (SAMPLES / "checkout.jsonl").read_bytes().splitlines()
    good = [line for line in lines if isinstance(outcome_of(line, job_for("gist")), Mapped)]
    (fixtures / "checkout.jsonl").write_bytes(b"".join(line + b"\n" for line in good))
    return tmp_path


def run(command: str, folder: Path, environment: dict[str, str], **more: str) -> Any:
    return subprocess.run(
        ["bash", "-e", "-c", command],
        cwd=folder,
        env=environment | more,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_steps_of_the_github_job_run_in_a_repository(
    repository: Path, clean_environment: dict[str, str]
) -> None:
    steps = snippet(".github/workflows/tracking.yml")["jobs"]["segcli"]["steps"]
    commands = [step["run"] for step in steps if "segcli check" in step.get("run", "")]
    summary = repository / "summary.md"
    fixtures = "tests/fixtures"
    golden = f"segcli check -q --dest gist --update --expect {fixtures}/gist.golden.ndjson"
    assert run(f"{golden} {fixtures}/*.jsonl", repository, clean_environment).returncode == 0

    done = [
        run(command, repository, clean_environment, GITHUB_STEP_SUMMARY=str(summary))
        for command in commands
    ]

    assert [one.returncode for one in done] == [0, 0]
    assert summary.read_text().startswith("### segcli check: gist")
    assert "::notice title=segcli check::" in done[-1].stdout


def test_a_changed_event_fails_the_github_job(
    repository: Path, clean_environment: dict[str, str]
) -> None:
    steps = snippet(".github/workflows/tracking.yml")["jobs"]["segcli"]["steps"]
    last = steps[-1]["run"]
    events = repository / "tests" / "fixtures" / "checkout.jsonl"
    golden = "segcli check -q --dest gist --update --expect tests/fixtures/gist.golden.ndjson"
    run(f"{golden} tests/fixtures/*.jsonl", repository, clean_environment)
    events.write_text(events.read_text().replace("Order Completed", "Order Done"))

    done = run(last, repository, clean_environment)

    assert done.returncode == 1
    assert "payload.event_name" in done.stdout


def test_the_hook_that_the_pre_commit_example_names_runs_as_pre_commit_runs_it(
    repository: Path, clean_environment: dict[str, str]
) -> None:
    (asked,) = snippet(".pre-commit-config.yaml")["repos"][0]["hooks"]
    hooks = {
        hook["id"]: hook for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    }
    hook = hooks[asked["id"]]
    files = [
        os.path.relpath(path, repository)
        for path in repository.rglob("*")
        if path.is_file() and re.search(hook["files"], path.name)
    ]
    (repository / "tests/fixtures/bad.jsonl").write_text("{]\n")

    command = " ".join([hook["entry"], *asked["args"], *files])

    assert files == ["tests/fixtures/checkout.jsonl"]
    assert run(command, repository, clean_environment).returncode == 0
    assert run(f"{command} tests/fixtures/bad.jsonl", repository, clean_environment).returncode == 1
