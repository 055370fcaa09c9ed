"""The README and the guides: their examples, and the current output of these; no tests here.

A console block holds commands, each after `$ `, and what they print. A block that begins with
`# NAME` is a file of that name, which the commands after it may read.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from support.samples import ROOT

README = ROOT / "README.md"
GUIDES = {path.stem: path for path in sorted((ROOT / "segcli" / "guides").glob("*.md"))}
DOCUMENTS = {"README": README, **GUIDES}

_CONSOLE = re.compile(r"(?<=```console\n).*?(?=```)", re.DOTALL)
_FILE = re.compile(r"```(?:python|toml|yaml)\n# (\S+)\n(.*?)```", re.DOTALL)
# What differs from run to run and from machine to machine.
_VOLATILE = re.compile(
    r"[\d,.]+ s, [\d,.]+ (?:lines|delivered)/s"
    r"|[\d,]+ requests?, [\d,]+ retr(?:ies|y)|[\d,.]+ ms|127\.0\.0\.1:\d+"
    # How small gzip makes a file, and when a sync ended.
    r"|files \([\d,]+ bytes\)|[\dT:.-]{23}Z$"
    # When a line of a log was written.
    r'|^[\dT:.-]{23}Z|(?<="time":")[\dT:.-]{23}Z',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Example:
    """A command of a document and what the document says it prints."""

    command: str
    printed: str


def files_of(text: str) -> dict[str, str]:
    """Return the files that a document shows, by name."""
    return dict(_FILE.findall(text))


def examples_of(text: str) -> list[Example]:
    """Return every command of a document, in order."""
    return [example for block in _CONSOLE.findall(text) for example in _examples(block)]


def with_fresh_outputs(text: str, folder: Path, env: Mapping[str, str]) -> str:
    """Return a document with what its commands print today, run in order in a folder.

    Where only times and ports differ, the document's own stay.
    """
    for name, content in files_of(text).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    return _CONSOLE.sub(lambda block: _fresh(block[0], folder, env), text)


def run_in_shell(command: str, folder: Path, env: Mapping[str, str]) -> str:
    """Run a command as a newcomer would, both outputs in one; trailing spaces are dropped."""
    home = {"HOME": str(folder), "XDG_STATE_HOME": str(folder / ".state")}
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**env, **home},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return "\n".join(line.rstrip() for line in done.stdout.decode().splitlines()).strip("\n")


def _examples(block: str) -> Iterator[Example]:
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, _, printed = part.partition("\n")
        yield Example(command, printed.strip("\n"))


def _fresh(block: str, folder: Path, env: Mapping[str, str]) -> str:
    """Return a block with what its commands print today."""
    parts = []
    for example in _examples(block):
        printed = run_in_shell(example.command, folder, env)
        if _VOLATILE.sub("…", printed) == _VOLATILE.sub("…", example.printed):
            printed = example.printed
        parts.append(f"$ {example.command}\n{printed}".rstrip("\n") + "\n")
    return "\n".join(parts) if "\n\n$ " in block else "".join(parts)
