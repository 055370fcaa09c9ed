"""Shell completion offers files, destinations, settings, commands and options."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from click.shell_completion import get_completion_class
from support.destination_file import ACME
from support.fakes import CommandResult

from segcli.cli.commands.completion import _CHANGES

Completed = Callable[..., list[str]]
SHELLS = ("bash", "zsh", "fish")


@pytest.fixture
def completed(segcli: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch) -> Completed:
    """Return a function for what bash offers for the last word, with its type if it has one."""

    def complete(*words: str) -> list[str]:
        monkeypatch.setenv("_SEGCLI_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(["segcli", *words]))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        said = segcli()
        assert said.err == ""
        return [line.removeprefix("plain,") for line in said.out.split()]

    return complete


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        (["se"], {"send"}),
        (["send", ""], {"file,"}),
        (["send", "eve"], {"file,eve"}),
        (["send", "-d", "p"], {"pointillist", "plotline", "posthog"}),
        (["send", "-d", "./a"], {"file,./a"}),
        (["send", "-d", "gist", "--set", "batch"], {"batch=", "batch_bytes="}),
        (["send", "-d", "gist", "a.jsonl", "--set", "api"], {"api_key="}),
        (["send", "-d", "unknown", "--set", ""], set()),
        (["send", "--set", ""], set()),
        (["send", "--config", "se"], {"file,se"}),
        (["send", "--report", "r"], {"file,r"}),
        (["send", "--type", "i"], {"identify"}),
        (["send", "--event", "Or"], set()),
        (["destinations", "gi"], {"gist"}),
        (["engage", "audience", "Loyal", ""], {"file,"}),
        (["engage", "forget", "x", "-d", "web"], {"webhook"}),
        (["sandbox", "-d", "./a"], {"file,./a"}),
        (["capture", "--", "run"], {"file,run"}),
        (["guide", "plug"], {"plugins"}),
        (["completion", ""], set(SHELLS)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_last_word_is_completed(words: list[str], offers: set[str], completed: Completed) -> None:
    assert set(completed(*words)) == offers


def test_the_settings_of_a_destination_file_are_completed(
    completed: Completed, tmp_path: Path
) -> None:
    (tmp_path / "acme.json").write_text(json.dumps(ACME))

    found = completed("send", "-d", "./acme.json", "--set", "")

    assert "api_key=" in found
    assert all(name.endswith("=") for name in found)


def test_broken_destination_file_gives_no_completion_and_no_error(
    completed: Completed, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text("[[[")

    assert completed("send", "-d", "./acme.toml", "--set", "") == []


BASH = """
source <(segcli completion bash)
COMP_WORDS=(segcli {words}) COMP_CWORD={last}
compopt() {{ echo "compopt $2"; }}
_segcli_completion segcli
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
@pytest.mark.parametrize(
    ("words", "prints"),
    [
        (["sen"], ["send"]),
        (["send", "eve"], ["compopt default"]),
        (["send", "-d", "gi"], ["gist"]),
        (["send", "-d", "webhook", "--set", "en"], ["compopt nospace", "endpoint="]),
        (["send", "--rejects", "=", "fo"], ["compopt default"]),
        (["send", "--type", "=", "i"], ["identify"]),
        (["send", "--dest", "=", "gist", "--set", "=", "api"], ["compopt nospace", "api_key="]),
    ],
)
def test_bash_uses_the_printed_completions(
    words: list[str], prints: list[str], shell_environment: dict[str, str], tmp_path: Path
) -> None:
    script = BASH.format(words=" ".join(words), last=len(words))
    ended = subprocess.run(
        ["bash", "--norc", "-c", script],
        cwd=tmp_path,
        env=shell_environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert ended.stdout.split("\n")[:-1] in (prints, [*prints, ""])
    assert ended.stderr == ""


ZSH = """
compdef() {{ }}
compset() {{ print compset $*; IPREFIX=$words[CURRENT] }}
_path_files() {{ print files }}
compadd() {{ print "values $completions after $3" }}
_describe() {{ print "settings ${{completions_with_descriptions%%:*}} after $6" }}
source <(segcli completion zsh)
words=(segcli {words}) CURRENT={last}
_segcli_completion
"""


@pytest.mark.skipif(shutil.which("zsh") is None, reason="no zsh")
@pytest.mark.parametrize(
    ("words", "prints"),
    [
        ("send --rejects fo", "files"),
        ("send --rejects=fo", "compset -P 1 *=\nfiles"),
        ("send -d gi", "values gist after"),
        ("send --dest=gi", "compset -P 1 *=\nvalues gist after --dest=gi"),
        ("send -d gist --set=api", "compset -P 1 *=\nsettings api_key= after --set=api"),
    ],
)
def test_zsh_uses_the_printed_completions(
    words: str, prints: str, shell_environment: dict[str, str], tmp_path: Path
) -> None:
    script = ZSH.format(words=words, last=len(words.split()) + 1)
    ended = subprocess.run(
        ["zsh", "-f", "-c", script],
        cwd=tmp_path,
        env=shell_environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.stdout.rstrip(), ended.stderr) == (prints, "")


@pytest.mark.skipif(shutil.which("fish") is None, reason="no fish")
@pytest.mark.parametrize(
    ("words", "prints"),
    [
        ("send --rejects fo", ["foo.ndjson"]),
        ("send --rejects=fo", ["--rejects=foo.ndjson"]),
        ("send --type i", ["identify"]),
        ("send --type=i", ["--type=identify"]),
        ("send -d gist --set=api", ["--set=api_key="]),
    ],
)
def test_fish_uses_the_printed_completions(
    words: str, prints: list[str], shell_environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "foo.ndjson").touch()
    script = f"segcli completion fish | source; complete -C 'segcli {words}'"
    ended = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=tmp_path,
        env=shell_environment | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert [line.partition("\t")[0] for line in ended.stdout.splitlines()] == prints


def test_scripts_of_click_have_what_is_replaced() -> None:
    """Another click may word its scripts differently."""
    for shell, changes in _CHANGES.items():
        kind = get_completion_class(shell)
        assert kind
        script = kind.source_template % {
            "complete_func": "_segcli_completion",
            "complete_var": "_SEGCLI_COMPLETE",
            "prog_name": "segcli",
        }
        assert all(old in script for old, _ in changes), shell


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_script_is_for_the_named_shell(
    shell: str, segcli: Callable[..., CommandResult]
) -> None:
    said = segcli("completion", shell)

    assert said.code == 0
    assert f"_SEGCLI_COMPLETE={shell}_complete" in said.out
    assert "segcli" in said.out.splitlines()[-1] + said.out.splitlines()[-2]
    assert said.err == ""
