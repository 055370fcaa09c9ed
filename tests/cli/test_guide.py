"""`segcli guide` lists the guides that ship with segcli, and prints each one unchanged."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support import hostile
from support.documents import GUIDES
from support.fakes import CommandResult
from support.samples import ROOT, Run
from support.tables import for_each
from support.terminals import on_a_terminal, seen

from segcli.cli.output import show_markdown
from segcli.destination_file import schema_text
from segcli.mapping.compiler import _DIRECTIVES
from segcli.mapping.liquid.filters import FILTERS

Segcli = Callable[..., CommandResult]


def test_guide_without_a_topic_lists_all_guides_with_a_summary(segcli: Segcli) -> None:
    said = segcli("guide")

    assert (said.code, said.err) == (0, "")
    listed = dict(re.findall(r"^(\S+) {3,}(.+)$", said.out, re.MULTILINE))
    assert list(listed) == sorted(GUIDES)
    assert all(about.endswith(".") and len(about) < 65 for about in listed.values())


@pytest.mark.parametrize("topic", GUIDES)
def test_piped_guide_is_its_file_byte_for_byte(topic: str, run_segcli: Run) -> None:
    done = run_segcli("guide", topic)

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == GUIDES[topic].read_bytes()


def test_guide_on_a_terminal_is_rendered(tmp_path: Path, clean_environment: dict[str, str]) -> None:
    terminal = clean_environment | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "segcli", "guide", "troubleshooting"]
    text = on_a_terminal(command, tmp_path, terminal)

    assert "\x1b[1m" in text
    assert "Where the state is" in seen(text)
    assert not re.search(r"```|## |\|--", text)


@pytest.mark.parametrize(("columns", "widest"), [(60, 60), (160, 100)])
def test_rendered_guide_fits_the_terminal_up_to_100_columns(
    columns: int, widest: int, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    text = hostile.on_a_terminal(["guide", "ci"], tmp_path, clean_environment, columns=columns).err

    assert max(map(len, seen(text.decode()).splitlines())) == widest


def test_rendered_markdown_has_no_terminal_commands(capsys: pytest.CaptureFixture[str]) -> None:
    show_markdown(f"# Title\n\n{hostile.HOSTILE}\n\n```\n{hostile.HOSTILE}\n```\n", widest=80)

    hostile.check_harmless(capsys.readouterr().out.encode())


def test_a_mistyped_topic_gets_a_suggestion(segcli: Segcli) -> None:
    said = segcli("guide", "Archive")

    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "Error: there is no guide Archive\nDid you mean archives? `segcli guide` lists them.\n"
    )


def test_an_unknown_topic_gets_the_list(segcli: Segcli) -> None:
    said = segcli("guide", "zzz")

    assert said.code == 2
    assert all(topic in said.err for topic in GUIDES)


@for_each("topic", GUIDES)
def test_the_readme_links_to_every_guide(topic: str) -> None:
    assert f"](segcli/guides/{topic}.md)" in (ROOT / "README.md").read_text()


def test_every_link_in_a_document_points_to_a_file() -> None:
    for document in (ROOT / "README.md", *GUIDES.values()):
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def keys_of(schema: dict[str, Any]) -> Iterator[str]:
    """Yield every key that a schema knows, at any depth."""
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from keys_of(inner)


def test_destination_files_guide_names_every_schema_key() -> None:
    schema = json.loads(schema_text())
    text = GUIDES["destination-files"].read_text()
    known = {
        *keys_of(schema),
        *(key for one in schema["definitions"].values() for key in keys_of(one)),
    }

    assert not [key for key in known if not re.search(rf"[`.]{re.escape(key)}[`.]", text)]


def test_destination_files_guide_names_every_directive_and_filter() -> None:
    text = GUIDES["destination-files"].read_text()

    assert not [name for name in _DIRECTIVES if f'| `{{ "{name}" = ' not in text]
    assert not [name for name in FILTERS if f"`{name}`" not in text]


def test_the_benchmarks_of_the_performance_guide_are_there() -> None:
    text = GUIDES["performance"].read_text()
    [line] = [line for line in text.splitlines() if line.startswith("python -m tests.bench --only")]
    listed = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--list"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = {row.split("|")[1].strip() for row in listed.stdout.splitlines()[2:]}

    assert set(line.split()[4:]) <= names
    programs = {row.split("|")[4].split()[1] for row in listed.stdout.splitlines()[2:]}
    assert all((ROOT / program).is_file() for program in programs)
