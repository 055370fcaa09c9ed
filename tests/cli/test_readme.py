"""The README and the guides are true: their commands run as typed and print what they say."""

import re
from pathlib import Path

import pytest
from support.documents import DOCUMENTS, GUIDES, README, examples_of, files_of, run_in_shell
from support.documents import with_fresh_outputs as fresh
from support.samples import ROOT
from support.tables import for_each

from segcli.cli import COMMANDS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the samples, so that no run sees another one's rejects."""
    (tmp_path / "sample_events").symlink_to(ROOT / "sample_events")
    return tmp_path


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_a_document_prints_the_documented_output(
    name: str, folder: Path, shell_environment: dict[str, str], *, update_golden: bool
) -> None:
    text = DOCUMENTS[name].read_text()
    today = fresh(text, folder, shell_environment)
    if update_golden:
        DOCUMENTS[name].write_text(today)
        return
    assert today == text, "pytest --update-golden rewrites the outputs"


def test_readme_has_at_most_250_lines() -> None:
    assert len(README.read_text().splitlines()) <= 250


@for_each("command", COMMANDS)
def test_every_command_has_an_example_in_a_document(command: str) -> None:
    shown = [
        example.command for path in DOCUMENTS.values() for example in examples_of(path.read_text())
    ]

    assert any(f"segcli {command}" in one for one in shown)


def test_plug_in_from_the_guide_works_as_printed(
    tmp_path: Path, shell_environment: dict[str, str]
) -> None:
    files = files_of(GUIDES["plugins"].read_text())
    (tmp_path / "acme.py").write_text(files["acme.py"])
    point = re.search(r'acme = "(.+)"', files["pyproject.toml"])
    assert point is not None
    information = tmp_path / "acme-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[segcli.destinations]\nacme = {point[1]}\n")

    printed = run_in_shell(
        f"export PYTHONPATH={tmp_path} SEGCLI_ACME_API_KEY=k; "
        f"segcli transform -q -d acme {ROOT}/sample_events/checkout.jsonl | head -1; "
        f"segcli destinations acme; "
        f"segcli send -d acme --sandbox {ROOT}/sample_events/checkout.jsonl",
        tmp_path,
        shell_environment,
    )

    assert '{"name":"Product List Viewed"' in printed
    assert "SEGCLI_ACME_API_KEY" in printed
    assert "Nothing left this machine" in printed
