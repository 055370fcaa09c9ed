"""Options come from the command line, the environment, the settings file, the default: in order."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support import hostile
from support.destination_file import ACME, changed
from support.fakes import CommandResult, tracks, write_events
from support.samples import KEY, SAMPLES

Segcli = Callable[..., CommandResult]
NAMED = ("--config", "segcli.toml")


@pytest.fixture(autouse=True)
def _events(tmp_path: Path) -> None:
    write_events(tmp_path / "events.jsonl", tracks(6))


@pytest.fixture
def config(tmp_path: Path) -> Callable[[str], Path]:
    """Write the settings file in the working folder."""

    def write(text: str) -> Path:
        path = tmp_path / "segcli.toml"
        path.write_text(text)
        return path

    return write


Write = Callable[[str], Path]


def mapped(said: CommandResult) -> int:
    assert said.code == 0, said.err
    return len(said.out.splitlines())


# --- the order


def test_the_command_line_wins_then_the_environment_then_the_file(
    segcli: Segcli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert mapped(segcli("transform", "events.jsonl")) == 6
    config("[transform]\nlimit = 4\n")
    assert mapped(segcli("transform", "events.jsonl")) == 4
    monkeypatch.setenv("SEGCLI_LIMIT", "3")
    assert mapped(segcli("transform", "events.jsonl")) == 3
    assert mapped(segcli("transform", "--limit", "2", "events.jsonl")) == 2


def test_an_empty_variable_is_none(
    segcli: Segcli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    config("[transform]\nlimit = 4\n")
    monkeypatch.setenv("SEGCLI_LIMIT", "")

    assert mapped(segcli("transform", "events.jsonl")) == 4


def test_each_command_reads_its_own_table(segcli: Segcli, config: Write) -> None:
    config("[check]\nlimit = 1\n[send]\nlimit = 2\n[transform]\nlimit = 3\n")

    assert mapped(segcli("transform", "events.jsonl")) == 3
    assert "1 mapped" in segcli("check", "events.jsonl").out


def test_the_page_takes_the_options_of_its_table(segcli: Segcli, config: Write) -> None:
    config('[ui]\nmax-line = "2MiB"\n')

    assert re.search(r"--max-line +2MiB +segcli.toml:2", segcli("config", "ui").out)

    config("[ui]\nprot = 1\n")
    said = segcli("ui", "--no-open", "events.jsonl")
    assert said.code == 2
    assert said.err == "Error: segcli.toml:2: ui has no option 'prot'\nDid you mean port?\n"


def test_a_settings_file_that_is_a_pipe_is_read_once(tmp_path: Path) -> None:
    words = (
        "python -m segcli transform --config <(printf '[transform]\\nlimit = 1\\n') events.jsonl"
    )
    done = subprocess.run(
        ["bash", "-c", words.replace("python", sys.executable, 1)],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1


# --- the forms of TOML


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ('type = ["track"]', 6),
        ('type = ["page", "identify"]', 0),
        ('user = ["u1", "u2"]', 4),
        ('event = ["No Such *"]', 0),
        ("limit = 2", 2),
        ('limit = "2"', 2),
        ("since = 2000-01-01", 6),
        ("since = 2100-01-01T10:00:00Z", 0),
        ('since = "2100-01-01"', 0),
        ('max-line = "1MiB"', 6),
        ("max_line = 10000", 6),
        ('"max-line" = 10_000 # more than enough', 6),
    ],
)
def test_each_kind_of_value_has_its_form(
    lines: str, count: int, segcli: Segcli, config: Write
) -> None:
    config(f"[transform]\n{lines}\n")
    said = segcli("transform", "events.jsonl")

    assert said.code == 0, said.err
    assert len(said.out.splitlines()) == count


def test_a_table_may_be_written_inline_or_with_dots(segcli: Segcli, config: Write) -> None:
    config("transform = {limit = 1}\n")
    assert mapped(segcli("transform", "events.jsonl")) == 1
    config("transform.limit = 2\n")
    assert mapped(segcli("transform", "events.jsonl")) == 2


def test_a_file_that_is_named_may_set_a_path_and_a_destination(
    segcli: Segcli, config: Write, tmp_path: Path
) -> None:
    config('[transform]\ndest = "gist"\nreport = "report.json"\nquiet = true\n')
    said = segcli("transform", *NAMED, "events.jsonl")

    assert (said.code, said.err) == (0, "")
    assert json.loads((tmp_path / "report.json").read_text())["destination"] == "gist"


# --- mistakes in the file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[send]\n\nrte = 1", "segcli.toml:3: send has no option 'rte'\nDid you mean rate?"),
        ("[send]\nretyr_for=1", "segcli.toml:2: send has no option 'retyr_for'\nDid you mean r"),
        ("send.rte = 1", "segcli.toml:1: send has no option 'rte'"),
        ("[gist]\nbatch = 1\n[ send ] # of mine\n'rte' = 1", "segcli.toml:4: send has no option"),
        ('x.y = """\n[send]\nrte = 1\n"""\n[send]\nrte = 1', "segcli.toml:6: send has no option"),
        ("send = {rte = 1}", "segcli.toml:1: send has no option 'rte'"),
        ("[sned]\nrate = 1", "segcli.toml:1: there is no command 'sned'\nDid you mean [send]?"),
        ("rate = 1", "segcli.toml:1: rate is not in a table"),
        ("[[send]]\nrate = 1", "segcli.toml:1: send is not a table\nWrite it as [send]"),
        ("[send]\nretry-for = 1\nretry_for = 2", "segcli.toml:3: retry_for is there twice"),
        ('[send]\nendpoint = "x"', "segcli.toml:2: endpoint cannot be set for all of `send`\nIt "),
        ('[send]\nset = ["api_key=k"]', "segcli.toml:2: set cannot be set for all of `send`"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_line(
    text: str, message: str, segcli: Segcli, config: Write
) -> None:
    config(text)
    said = segcli("send", "-d", "gist", "--sandbox", "events.jsonl")

    assert said.code == 2
    assert said.err.startswith(f"Error: {message}")


@pytest.mark.parametrize(
    ("line", "option", "value"),
    [
        ('rate = "fast"', "--rate", "fast"),
        ('concurrency = "many"', "--concurrency", "many"),
        ("concurrency = 0", "--concurrency", "0"),
        ('timeout = "soon"', "--timeout", "soon"),
        ("timeout = 0", "--timeout", "0"),
        ('max-line = "1XB"', "--max-line", "1XB"),
        ('type = ["trak"]', "--type", "trak"),
        ('since = "yesterday"', "--since", "yesterday"),
        ('where = "a = "', "--where", "a = "),
        ('fault = ["burn:5%"]', "--fault", "burn:5%"),
    ],
)
def test_a_wrong_value_is_an_error_in_the_words_of_the_option(
    line: str, option: str, value: str, segcli: Segcli, config: Write
) -> None:
    typed = segcli("send", "-d", "gist", "--sandbox", option, value, "events.jsonl")
    config(f"[send]\n\n{line}\n")
    configured = segcli("send", "-d", "gist", "--sandbox", "events.jsonl")

    assert (typed.code, configured.code) == (2, 2)
    words = typed.err.partition("Error: ")[2]
    assert words.startswith(f"Invalid value for '{option}'")
    assert configured.err == f"Error: segcli.toml:3: {words}"


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('type = "track"', "'--type': it must be an array, like [\"track\"]."),
        ("type = [1.5]", "'--type': it must be a text in quotes, not 1.5."),
        ("rate = [1]", "'--rate': it must be a text in quotes or a number, not an array."),
        ("rate = true", "'--rate': it must be a text in quotes or a number, not true."),
        ("rate = 2026-01-01", "'--rate': it must be a text in quotes or a number, not 2026-01-01."),
        ("concurrency = 1.5", "'--concurrency': it must be a whole number, not 1.5."),
        ("since = 10:00:00", "'--since': it must be a text in quotes or a date, not 10:00:00."),
        ("where = {}", "'--where': it must be a text in quotes, not a table."),
        ('sandbox = "yes"', "'--sandbox': it must be true or false, not 'yes'."),
    ],
)
def test_a_value_of_the_wrong_type_is_an_error(
    line: str, problem: str, segcli: Segcli, config: Write
) -> None:
    config(f"[send]\n{line}\n")
    said = segcli("send", "-d", "gist", *NAMED, "events.jsonl")

    assert said.code == 2
    assert said.err == f"Error: segcli.toml:2: Invalid value for {problem}\n"


def test_a_setting_of_a_destination_is_named_with_its_line_too(
    segcli: Segcli, config: Write
) -> None:
    config("[gist]\n\nbacth = 5\n")
    assert "Error: segcli.toml:3: gist has no setting 'bacth'\nDid you mean batch?" in (
        segcli("transform", "-d", "gist", "events.jsonl").err
    )
    config("[gist]\nbatch = 'x'\n")
    assert "Error: segcli.toml:2: gist: batch must be a whole number" in (
        segcli("transform", "-d", "gist", "events.jsonl").err
    )


# --- a file that was found


@pytest.mark.parametrize(
    ("line", "typed"),
    [
        ("allow-http = true", "--allow-http"),
        ("restart = true", "--restart"),
        ("ignore_integrations = true", "--ignore-integrations"),
        ("no-first-look = true", "--no-first-look"),
        ('dest = "./acme.toml"', "--dest"),
        ('rejects = "x.ndjson"', "--rejects"),
        ('journal = "x.journal"', "--journal"),
    ],
)
def test_a_file_that_was_found_names_and_allows_nothing(
    line: str, typed: str, segcli: Segcli, config: Write
) -> None:
    config(f"[send]\nrate = 50\n{line}\n")
    said = segcli("send", "-d", "gist", "--sandbox", "events.jsonl")
    key = line.split(maxsplit=1)[0]

    assert said.code == 2
    assert said.err.startswith(
        f"Error: segcli.toml:3: {key} is not taken from segcli.toml, which was found"
    )
    variable = f"SEGCLI_{typed.strip('-').replace('-', '_').upper()}"
    assert f"Type {typed}, or export {variable}." in said.err
    assert "type --config segcli.toml, or export SEGCLI_CONFIG=segcli.toml" in said.err


def test_what_it_selects_is_said(segcli: Segcli, config: Write) -> None:
    config('[transform]\ntype = ["track", "page"]\nlimit = 2\njobs = 1\n')
    line = "--type track page, --limit 2: from segcli.toml, which was found in the working folder"

    assert segcli("transform", "events.jsonl").err.splitlines()[0] == line
    assert line in segcli("transform", "--quiet", "events.jsonl").err
    assert line not in segcli("transform", *NAMED, "events.jsonl").err
    typed = segcli("transform", "--limit", "3", "events.jsonl")
    assert typed.err.startswith("--type track page: from segcli.toml")


def test_the_name_of_a_command_is_no_name_of_a_destination(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "acme.json").write_text(json.dumps(changed(ACME, {"name": "send"})))
    said = segcli("transform", "-d", "./acme.json", "events.jsonl")

    assert said.code == 2
    assert "send cannot be the name of a destination" in said.err
    assert "Give the destination another name." in said.err


# --- values that do not fit what is typed


def test_options_of_the_sandbox_count_with_the_sandbox_only(
    segcli: Segcli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    config('[send]\nlatency = "1ms"\n')
    monkeypatch.setenv("SEGCLI_FAULT", "503:1% reset:1%")

    assert "Error: gist needs api_key" in segcli("send", "-d", "gist", "events.jsonl").err
    assert segcli("send", "-d", "gist", "--sandbox", "events.jsonl").code == 0
    typed = segcli("send", "-d", "gist", "--latency", "1ms", "events.jsonl")
    assert "--latency needs --sandbox" in typed.err


def test_a_plan_alone_is_checked_although_a_rate_is_set(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = next((SAMPLES / "plans").glob("*.json"))
    monkeypatch.setenv("SEGCLI_RATE", "5/s")
    said = segcli("check", "--plan", plan, "events.jsonl")

    assert "needs a destination" not in said.err


def test_a_typed_option_replaces_the_one_that_it_excludes(
    segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_RESTART", "true")
    monkeypatch.setenv("SEGCLI_GIST_API_KEY", KEY)
    said = segcli("send", "-d", "gist", "--resume", "events.jsonl")

    assert "there is nothing to resume" in said.err
    monkeypatch.setenv("SEGCLI_RESUME", "true")
    assert "--resume and --restart exclude each other" in (
        segcli("send", "-d", "gist", "events.jsonl").err
    )


def test_text_of_a_file_that_was_found_commands_nothing(segcli: Segcli, config: Write) -> None:
    text = json.dumps(hostile.HOSTILE)
    for lines in (
        f"[transform]\n{text} = 1",
        f"[transform]\nwhere = {text}",
        f"[transform]\nmax-line = {text}",
        f"[transform]\nevent = [{text}]",
        f"{text} = 1",
        f"[transform]\nuser = [{text}, {json.dumps(hostile.START)}]",
    ):
        config(lines + "\n")
        for words in (("transform", "events.jsonl"), ("config",), ("config", "transform")):
            said = segcli(*words)
            hostile.check_harmless((said.out + said.err).encode())


def test_a_file_that_was_found_allows_nothing_to_a_server_either(
    segcli: Segcli, config: Write
) -> None:
    config('[capture]\nsettle = "0s"\nallow-empty = true\n')
    words = ("--output", "captured.jsonl", "--", "true")

    assert "segcli.toml:3: allow-empty is not taken" in segcli("capture", *words).err
    assert segcli("capture", *NAMED, *words).code == 0


def test_the_commands_of_a_group_share_its_table(
    segcli: Segcli, config: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("vips.csv").write_text("userId\nu1\n")
    config('[engage]\nstate = "my.state"\nkey = "is_vip"\n')
    sync = ("engage", "audience", "vips", "vips.csv", "-d", "gist", "--sandbox")
    assert segcli(*sync, *NAMED).code in {0, 1}

    assert "is_vip" in segcli("engage", "status", *NAMED).out
    assert "segcli.toml:2: state is not taken" in segcli("engage", "status").err
    Path("segcli.toml").unlink()
    assert "is_vip" not in segcli("engage", "status").out
    monkeypatch.setenv("SEGCLI_STATE", "my.state")
    assert "is_vip" in segcli("engage", "status").out
    assert segcli("engage", "forget", "vips").code == 0
