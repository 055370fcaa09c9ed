"""The guide to Python is true: its code runs as printed, and names every argument and error."""

import inspect
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.documents import GUIDES
from support.samples import SAMPLES

import segcli
from segcli.sandbox import SandboxServer

TEXT = GUIDES["python"].read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_code_of_the_guide_runs_in_one_program(
    start_sandbox: Callable[..., SandboxServer],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "events.jsonl").write_bytes((SAMPLES / "signup.jsonl").read_bytes())
    (tmp_path / "segcli.toml").write_text("[gist]\nbatch = 5\n")
    sandbox = start_sandbox()
    program = "\n".join(BLOCKS)
    assert "http://127.0.0.1:8765/gist" in program
    found: dict[str, object] = {"__name__": "guide"}

    exec(program.replace("http://127.0.0.1:8765/gist", sandbox.endpoint("gist")), found)

    said = capsys.readouterr().out
    assert "Order Completed u1 None" in said
    report = found["report"]
    assert isinstance(report, segcli.Report)
    assert report.ledger["delivered"] > 20
    assert report.rejects_file == "gist.rejects.ndjson"
    assert not (tmp_path / "gist.journal").exists()
    assert len(BLOCKS) > 8


@pytest.mark.parametrize("name", ["transform", "check", "send"])
def test_every_argument_is_in_the_guide(name: str) -> None:
    arguments = inspect.signature(getattr(segcli, name)).parameters
    for argument in arguments:
        if argument != "inputs":
            assert re.search(rf"\b{argument}\b", TEXT), argument


def test_every_public_name_can_be_imported_and_has_a_docstring() -> None:
    for name in segcli.__all__:
        assert getattr(segcli, name)
        assert name in {"__version__", "Verdict"} or getattr(segcli, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        segcli.nothing  # noqa: B018  # type: ignore[attr-defined]
