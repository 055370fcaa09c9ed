"""The GitHub Action: its steps are run in bash, with the variables that GitHub would set."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.documents import GUIDES, files_of
from support.fork_server import ForkServer
from support.samples import ROOT, SAMPLES

FOLDER = ROOT / ".github" / "actions" / "check"
ACTION: dict[str, Any] = yaml.safe_load((FOLDER / "action.yml").read_text())
STEPS: dict[str, Any] = {step["id"]: step for step in ACTION["runs"]["steps"]}
_EXPRESSION = re.compile(r"\$\{\{\s*(\S+?)\s*\}\}")


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended: its exit code, its output, and the outputs that it set."""

    code: int
    out: str
    outputs: dict[str, str]


RunStep = Callable[..., StepResult]


@pytest.fixture
def run_step(tmp_path: Path, clean_environment: dict[str, str]) -> RunStep:
    """Run a step of the action in a repository with two files of events."""
    temporary, workspace = tmp_path / "temp", tmp_path / "work"
    (temporary / "segcli" / "bin").mkdir(parents=True)
    workspace.mkdir()
    for name in ("checkout", "mobile"):
        (workspace / f"{name}.jsonl").write_bytes((SAMPLES / f"{name}.jsonl").read_bytes())

    def run(step: str, **inputs: str) -> StepResult:
        output = tmp_path / "output"
        output.write_text("")
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[step]["run"]],
            cwd=workspace,
            env=clean_environment
            | variables(step, {name.replace("_", "-"): text for name, text in inputs.items()})
            | {
                "RUNNER_TEMP": str(temporary),
                "GITHUB_ACTION_PATH": str(FOLDER),
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=240,
            check=False,
        )
        lines = output.read_text().splitlines()
        return StepResult(done.returncode, done.stdout, dict(line.split("=", 1) for line in lines))

    return run


@pytest.fixture
def check(run_step: RunStep, tmp_path: Path, forking: ForkServer) -> RunStep:
    """Run the step that checks, with the segcli of these tests."""
    segcli = forking.commands / "segcli"
    (tmp_path / "temp" / "segcli" / "bin" / "segcli").symlink_to(segcli)
    return lambda **inputs: run_step("check", **inputs)


def variables(step: str, inputs: dict[str, str]) -> dict[str, str]:
    """Return the variables of a step, as GitHub evaluates them for these inputs."""
    known = {f"inputs.{name}": one.get("default", "") for name, one in ACTION["inputs"].items()}
    known |= {f"inputs.{name}": text for name, text in inputs.items()}
    known["steps.python.outputs.python-path"] = sys.executable
    return {
        name: _EXPRESSION.sub(lambda found: known[found[1]], text)
        for name, text in STEPS[step]["env"].items()
    }


def test_no_script_holds_an_expression() -> None:
    scripts = [step["run"] for step in STEPS.values() if "run" in step]

    assert len(scripts) == 2
    assert not [script for script in scripts if "${{" in script]


def test_every_input_is_used_and_every_output_is_set(check: RunStep) -> None:
    used = set(_EXPRESSION.findall(yaml.safe_dump(ACTION["runs"])))
    assert used >= {f"inputs.{name}" for name in ACTION["inputs"]}

    ran = check(files="checkout.jsonl", dest="gist")
    values = {_EXPRESSION.fullmatch(one["value"])[1] for one in ACTION["outputs"].values()}  # type: ignore[index]
    assert values == {f"steps.check.outputs.{name}" for name in ran.outputs}


def test_findings_are_annotations_a_summary_and_reports(check: RunStep, tmp_path: Path) -> None:
    ran = check(files="*.jsonl\n", dest="gist")

    assert (ran.code, ran.outputs["exit-code"]) == (1, "1")
    assert "::error file=checkout.jsonl,line=2," in ran.out
    assert (tmp_path / "summary.md").read_text().startswith("### segcli check: gist\n")
    assert Path(ran.outputs["junit"]).read_text().startswith("<?xml")
    report = json.loads(Path(ran.outputs["report"]).read_bytes())
    assert len({finding["file"] for finding in report["findings"]}) == 2


@pytest.mark.parametrize(
    ("fail_on", "dest", "code"),
    [
        ("error", "gist", 1),
        ("warning", "pointillist", 1),
        ("error", "pointillist", 0),
        ("never", "gist", 0),
        ("sometimes", "gist", 2),
    ],
)
def test_fail_on_selects_what_fails_the_step(
    fail_on: str, dest: str, code: int, check: RunStep
) -> None:
    assert check(files="checkout.jsonl", dest=dest, fail_on=fail_on).code == code


def test_a_step_fails_that_could_not_check(check: RunStep) -> None:
    missing = check(files="no/such.jsonl", dest="gist", fail_on="never")

    assert (missing.code, missing.outputs["exit-code"]) == (2, "2")
    assert "no/such.jsonl" in missing.out
    assert "\n::error title=segcli check::the check was not completed (exit code 2)" in missing.out
    assert check(files="\n", dest="gist").code == 2


def test_plan_golden_file_and_baseline_are_those_of_segcli(check: RunStep, tmp_path: Path) -> None:
    plan = SAMPLES / "plans" / "orrery.typewriter-8.json"
    assert "SEG401" in check(files=str(SAMPLES / "all_types.jsonl"), plan=str(plan)).out

    several = f"{plan}\n\n{SAMPLES / 'plans' / 'ferry.public-api.json'}\n"
    assert "orrery.typewriter-8.json, " in check(files="mobile.jsonl", plan=several).out

    more = {"files": "checkout.jsonl", "dest": "gist", "expect": "gist.golden"}
    assert check(**more, args="--update\n").code in (0, 1)
    assert check(**more).code == 0
    changed = tmp_path / "work" / "checkout.jsonl"
    changed.write_text(changed.read_text().replace("Order Completed", "Order Done"))
    assert "SEG601" in check(**more).out

    accepted = {"files": "mobile.jsonl", "dest": "gist", "baseline": "accepted.json"}
    assert check(**accepted, args="--update-baseline").code == 0
    assert check(**accepted).code == 0


HOSTILE = "$(touch owned) `touch owned`; touch owned #'\" && touch owned | * ${IFS} ${{ x }}"


@pytest.mark.parametrize("name", ["files", "dest", "plan", "expect", "baseline", "fail_on"])
def test_a_hostile_input_runs_nothing(name: str, check: RunStep, tmp_path: Path) -> None:
    ran = check(**({"files": "checkout.jsonl", "dest": "gist"} | {name: HOSTILE}))

    assert ran.code == 2
    assert not list(tmp_path.rglob("owned*"))
    assert "::set-output" not in ran.out


def test_a_hostile_file_name_is_a_file(check: RunStep, tmp_path: Path) -> None:
    work = tmp_path / "work"
    hostile = ["-q.jsonl", "$(touch owned).jsonl", "a b\n::error::x.jsonl"]
    for name in hostile:
        (work / name).write_bytes((SAMPLES / "mobile.jsonl").read_bytes())

    ran = check(files="**/*.jsonl", dest="webhook")

    assert ran.code == 0
    assert not list(tmp_path.rglob("owned"))
    assert not re.findall(r"^::error::x", ran.out, re.MULTILINE)
    report = json.loads(Path(ran.outputs["report"]).read_bytes())
    assert len(report["inputs"]) == 5


def test_the_guide_uses_the_action_with_inputs_that_it_has() -> None:
    workflow = yaml.safe_load(files_of(GUIDES["ci"].read_text())[".github/workflows/check.yml"])
    (job,) = workflow["jobs"].values()
    (uses,) = [step for step in job["steps"] if step["uses"].startswith("segcli/")]

    assert uses["uses"].partition("@")[0] == "segcli/segcli/.github/actions/check"
    assert set(uses["with"]) <= set(ACTION["inputs"])
    required = {name for name, one in ACTION["inputs"].items() if one.get("required")}
    assert required <= set(uses["with"])


@pytest.mark.registry
@pytest.mark.parametrize("plan", ["", "plan.json"])
def test_the_action_installs_segcli_from_its_own_checkout(
    plan: str, run_step: RunStep, tmp_path: Path
) -> None:
    ran = run_step("install", plan=plan)
    python = tmp_path / "temp" / "segcli" / "bin" / "python"
    code = "import jsonschema_rs" if plan else "import segcli"

    assert ran.code == 0, ran.out
    assert subprocess.run([python, "-P", "-c", code], check=False).returncode == 0
