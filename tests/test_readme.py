"""The README is true: its commands run as typed and print what it says they print."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
CONSOLE = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
ACME = re.compile(r"```(?:python|toml)\n# (\S+)\n(.*?)```", re.DOTALL)
# What differs from run to run and from machine to machine.
VOLATILE = re.compile(
    r"[\d,.]+ s, [\d,.]+ lines/s|[\d,]+ requests, [\d,]+ retries|[\d,.]+ ms|127\.0\.0\.1:\d+"
)


@dataclass(frozen=True, slots=True)
class Example:
    """A command of the README and what the README says it prints."""

    command: str
    printed: str


def examples(block: str) -> Iterator[Example]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Example(command, printed.strip("\n"))


def run_in_shell(command: str, folder: Path) -> str:
    """Run a command as a newcomer would, both outputs in one; trailing spaces are dropped."""
    environment = {name: text for name, text in os.environ.items() if "SEGCLI" not in name}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return "\n".join(line.rstrip() for line in done.stdout.decode().splitlines()).strip("\n")


def run_block(block: str, folder: Path) -> str:
    """Return the block with what its commands print today."""
    parts = []
    for example in examples(block):
        printed = run_in_shell(example.command, folder)
        if VOLATILE.sub("…", printed) == VOLATILE.sub("…", example.printed):
            printed = example.printed
        parts.append(f"$ {example.command}\n{printed}".rstrip("\n") + "\n")
    return "\n".join(parts) if "\n\n$ " in block else "".join(parts)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with the samples, so that no run sees another one's rejects."""
    (tmp_path / "sample_events").symlink_to(ROOT / "sample_events")
    (tmp_path / "acme.toml").write_text(dict(ACME.findall(README.read_text()))["acme.toml"])
    return tmp_path


def blocks() -> list[str]:
    return CONSOLE.findall(README.read_text())


def test_every_command_of_the_readme_prints_what_it_says(
    folder: Path, request: pytest.FixtureRequest
) -> None:
    text = README.read_text()
    fresh = CONSOLE.sub(lambda match: run_block(match[0], folder), text)
    if request.config.getoption("--update-golden"):
        README.write_text(fresh)
        return
    assert fresh == text, "pytest --update-golden rewrites the outputs"


def test_the_readme_shows_every_command() -> None:
    shown = " ".join(example.command for block in blocks() for example in examples(block))

    for name in ("transform", "send", "destinations"):
        assert f"segcli {name}" in shown


def test_the_plug_in_of_the_readme_works_as_printed(tmp_path: Path) -> None:
    files = dict(ACME.findall(README.read_text()))
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
    )

    assert '{"name":"Product List Viewed"' in printed
    assert "SEGCLI_ACME_API_KEY" in printed
    assert "Nothing left this machine" in printed
