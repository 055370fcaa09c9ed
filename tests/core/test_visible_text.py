"""Text is escaped in one module, and only the command line prints."""

import ast
import os
import pty
import re
import subprocess
import sys
import termios
import threading
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.fakes import track, write_events
from support.hostile import CORPUS, HOSTILE, check_harmless, off_a_terminal, on_a_terminal
from support.samples import ROOT, Run
from support.tables import for_each

from segcli.core.visible_text import (
    json_escaped,
    shell_quoted,
    visible,
    visible_line,
    visible_lines,
    visible_styled,
    without_commands,
)

# Letters of every attack, and some that must stay as they are.
ANY = st.text(
    st.sampled_from("ab:#[] vso/\\'\"$\t\n\r\0\x1b\x7f\x85\x9b\u2028\u202e\u200bé🚪\ud800\udc9b")
)


# --- the functions


@given(ANY)
@example(HOSTILE)
@example("::a")
@example("###[[##a[")
def test_visible_line_has_no_line_breaks_and_no_terminal_commands(text: str) -> None:
    line = visible_line(text)

    assert "\n" not in line
    check_harmless(line.encode())


@given(ANY)
@example(HOSTILE)
def test_visible_lines_keep_line_breaks_but_no_other_control_characters(text: str) -> None:
    lines = visible_lines(text)

    assert lines.count("\n") == text.count("\n")
    check_harmless(lines.encode())


@for_each("text", ["plain", "häß ✓ 日本 🚪", "a: b::c", "#1 [x] [/y]", "C:\\new", ""])
def test_harmless_text_is_unchanged(text: str) -> None:
    assert visible(text) == visible_line(text) == visible_lines(text) == json_escaped(text) == text


def test_escapes_use_the_notation_of_programming_languages() -> None:
    assert visible("a\n\x1b\x9b\u202e\udcff") == "a\\n\\x1b\\x9b\\u202e\\udcff"
    assert visible("##[error] ##vso[a] ###x") == "#\\x23[error] #\\x23vso[a] ###x"
    assert visible_line(" \u00a0::error::") == " \u00a0\\x3a:error::"


def test_styled_text_keeps_styles_but_no_other_escape_sequences() -> None:
    assert visible_styled("\x1b[1;31ma\x1b[0m\n\r\x1b[2K") == "\x1b[1;31ma\x1b[0m\n\r\x1b[2K"
    assert visible_styled("\x1b]52;c;x\x07\x9b") == "\\x1b]52;c;x\\x07\\x9b"
    assert without_commands("\x1b[2m ::a") == "\x1b[2m \\x3a:a"


def test_json_data_is_escaped_as_json_escapes() -> None:
    assert (
        json_escaped('{"a":"\x9b\x7f\u202e\u2028"}\n') == '{"a":"\\u009b\\u007f\\u202e\\u2028"}\n'
    )
    assert json_escaped(b"\x9b\xff".decode(errors="surrogateescape")) == "\\u009b\\u00ff"


@given(st.lists(st.binary().filter(lambda word: b"\0" not in word), max_size=3))
@example([os.fsencode(one.encode(errors="ignore")) for one in CORPUS])
def test_shell_quoted_word_is_one_line_that_bash_reads_back(words: list[bytes]) -> None:
    typed = [shell_quoted(os.fsdecode(word)) for word in words]

    for word in typed:
        check_harmless(f"x {word}".encode())
    script = f"printf '%s\\0' {' '.join(typed)}" if typed else "true"
    env = {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}
    done = subprocess.run(["bash", "-c", script], capture_output=True, env=env, check=True)

    assert done.stdout.split(b"\0")[:-1] == words


# --- data


DATA = b'{"type":"track","event":"e","userId":"u","timestamp":"2026-02-03T10:11:12Z",'
DATA += '"properties":{"a":"\x9b666m\x7f\u202e\u2028é"}}'.encode()


def test_data_is_escaped_on_a_terminal_and_unchanged_in_a_pipe(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    write_events(tmp_path / "a.jsonl", [DATA])
    words = ["transform", "-d", "webhook", "--quiet", "a.jsonl"]

    piped = off_a_terminal(words, tmp_path, clean_environment)
    seen = on_a_terminal(words, tmp_path, clean_environment)

    assert "\x9b666m\x7f\u202e\u2028é".encode() in piped.out
    assert "\\u009b666m\\u007f\\u202e\\u2028é".encode() in seen.err
    assert len(seen.err) > len(piped.out)


def test_character_written_byte_by_byte_is_whole_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    code = (
        "import sys; from segcli.cli.stdio import set_up_streams; set_up_streams();"
        "out = sys.stdout.buffer; data = 'é🚪\\x9b\\n'.encode();"
        "[(out.write(data[n:n+1]), out.flush()) for n in range(len(data))]"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=theirs)
    seen: list[bytes] = []
    reader = threading.Thread(target=lambda: seen.append(os.read(ours, 4096)))
    assert process.wait(timeout=60) == 0
    reader.start()
    reader.join()
    os.close(theirs)
    os.close(ours)

    assert b"".join(seen) == "é🚪\\u009b\n".encode()


WRONG = ["destinations", "./é✓\udcff.toml"]


@pytest.fixture
def odd_files(tmp_path: Path) -> None:
    """Files whose names and content not every encoding has."""
    (tmp_path / "é✓\udcff.toml").write_text('name = "✓é"\n')
    write_events(tmp_path / "é✓.jsonl", [track(event="✓"), b"no event"])


@pytest.mark.usefixtures("odd_files")
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8:strict"])
def test_output_encoding_that_lacks_a_character_is_not_an_error(
    encoding: str, run_segcli: Run
) -> None:
    env = {"PYTHONIOENCODING": encoding}

    wrong = run_segcli(*WRONG, env=env)
    done = run_segcli("check", "é✓.jsonl", env=env)
    sent = run_segcli("send", "-d", "gist", "--sandbox", "é✓.jsonl", env=env)
    known = run_segcli("engage", "forget", "é✓\udcff", env=env)

    codes = (wrong.returncode, done.returncode, sent.returncode, known.returncode)
    assert codes == (2, 1, 1, 2)


@pytest.mark.usefixtures("odd_files")
def test_python_that_starts_with_an_encoding_prints_what_a_forked_process_prints(
    run_segcli: Run, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    env = {"PYTHONIOENCODING": "ascii"}

    started = off_a_terminal(WRONG, tmp_path, clean_environment | env)
    forked = run_segcli(*WRONG, env=env)

    assert started.code == 2
    assert (started.out, started.err) == (forked.stdout, forked.stderr)


# --- one place


CLI = ROOT / "segcli" / "cli"
PRINTING = {"output.py", "streams.py"}
MODULES = [path for path in sorted(CLI.rglob("*.py")) if path.name not in PRINTING]
# What draws the live picture, from texts that `output` has made, and what measures texts.
RICH_ELSEWHERE = {
    *("rich.live.Live", "rich.console.Group"),
    *("rich.cells.cell_len", "rich.cells.set_cell_size"),
}


# A part of each name that `calls_that_print` finds.
MAY_PRINT = re.compile("print|echo|stdout|stderr|rich")


def calls_that_print(tree: ast.AST) -> list[str]:
    """Return the calls in a module that print directly."""
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="print" as name)):
                found.append(name)
            case ast.Attribute(attr="echo" | "secho" | "echo_via_pager" | "print_exc" as name):
                found.append(name)
            case ast.Attribute(
                value=ast.Attribute(value=ast.Name(id="sys"), attr="stdout" | "stderr"),
                attr="write" | "writelines" | "buffer" as name,
            ):
                found.append(name)
            case ast.Import(names=names):
                found += [one.name for one in names if one.name.partition(".")[0] == "rich"]
            case ast.ImportFrom(module=str(module), names=names) if module.startswith("rich"):
                found += [f"{module}.{one.name}" for one in names]
    return [name for name in found if not is_of_the_picture(name)]


def is_of_the_picture(name: str) -> bool:
    return name in RICH_ELSEWHERE or name.startswith("rich.progress.")


def without_types(tree: ast.Module) -> ast.Module:
    """Return a module without its imports for types only."""
    is_for_types = [
        isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) for node in tree.body
    ]
    body = [node for node, left_out in zip(tree.body, is_for_types, strict=True) if not left_out]
    return ast.Module(body=body, type_ignores=[])


@for_each("path", MODULES)
def test_only_the_output_module_prints(path: Path) -> None:
    found = calls_that_print(without_types(ast.parse(path.read_text())))

    if path.name == "progress.py":
        # The type of what `output` returns.
        found = [name for name in found if name != "rich.console.Console"]
    assert not found


@for_each(
    "code",
    [
        "print(1)",
        "click.echo(1)",
        "click.secho(1, err=True)",
        "sys.stderr.write('a')",
        "sys.stdout.buffer.write(b'a')",
        "from rich.console import Console",
        "def f():\n    from rich.table import Table",
        "from rich import print",
        "import rich.table",
        "traceback.print_exc()",
    ],
)
def test_print_check_finds_every_way_to_print(code: str) -> None:
    assert MAY_PRINT.search(code)
    assert calls_that_print(ast.parse(code))


def test_no_module_below_the_cli_prints() -> None:
    others = [path for path in (ROOT / "segcli").rglob("*.py") if CLI not in path.parents]

    # Most have none of the names, and to parse all takes a second.
    texts = {path: text for path in others if MAY_PRINT.search(text := path.read_text())}
    printing = {path.name for path, text in texts.items() if calls_that_print(ast.parse(text))}

    assert texts
    assert printing == set()
