"""A key is in requests only: never in output, and never in a file."""

import base64
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from support.fakes import (
    Answer,
    CommandResult,
    ReceivedRequest,
    Vendor,
    closed_port,
    records,
    track,
    tracks,
    write_events,
)

from segcli.cli import COMMANDS
from segcli.cli.option_sources import SOURCES
from segcli.cli.sandboxed import REHEARSAL_KEY
from segcli.destinations import BUILT_IN
from segcli.sandbox import DEFAULT_KEY, SandboxServer
from segcli.sandbox.vendors import VENDORS

Segcli = Callable[..., CommandResult]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]

KEY = "sk_live_8f2b61c0d9e74a53b1"
PASSWORD = "horse-battery-staple"
TOKEN = "tok_91c47d5e2f"
# This many characters of a secret are already too many.
PIECE = 8


def forms(secret: str) -> list[str]:
    """Return the forms in which a secret may appear: plain, and as Basic credentials."""
    return [
        secret,
        base64.b64encode(f"{secret}:".encode()).decode().rstrip("="),
        base64.b64encode(f"user:{secret}".encode()).decode().rstrip("="),
    ]


PIECES = {
    form[start : start + PIECE]
    for secret in (KEY, PASSWORD, TOKEN)
    for form in forms(secret)
    for start in range(len(form) - PIECE + 1)
} - {base64.b64encode(b"user:x").decode()[:PIECE]}


def found_in(text: str) -> list[str]:
    """Return the parts of secrets that a text contains."""
    return [piece for piece in PIECES if piece in text]


def leaks(folder: Path, said: CommandResult, inputs: Iterable[Path]) -> list[str]:
    """Return the secrets that a run has printed, or written to any file of its folder."""
    files = [path for path in folder.rglob("*") if path.is_file() and path not in inputs]
    assert files
    write_events = [
        path.read_bytes().rstrip(b"\0").decode(errors="replace") + str(path) for path in files
    ]
    return [piece for text in (said.out, said.err, *write_events) for piece in found_in(text)]


def echo(status: int, padding: int = 0) -> Callable[[ReceivedRequest], Answer]:
    """Answer with the request, as careless vendors do."""

    def answer(got: ReceivedRequest) -> Answer:
        told = {"path": got.path, "padding": "x" * padding, "headers": dict(got.headers)}
        return Answer(status, body=json.dumps(told).encode())

    return answer


@pytest.fixture
def events(tmp_path: Path) -> Path:
    identify = {**track(), "type": "identify", "traits": {"email": "ada@example.com"}}
    return write_events(tmp_path / "events.jsonl", [identify, *tracks(3), b"{]"])


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch, segcli: Segcli) -> None:  # noqa: ARG001  # it cleans first
    for name in BUILT_IN:
        monkeypatch.setenv(f"SEGCLI_{name.upper()}_API_KEY", KEY)


def test_search_finds_parts_of_every_secret_form() -> None:
    for secret in (KEY, PASSWORD, TOKEN):
        for form in forms(secret):
            assert found_in(f"said: {form[2:12]}")


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("status", [400, 401, 422, 503])
def test_echoed_request_reveals_no_key(
    status: int, name: str, segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    at = vendor(echo(status))
    said = segcli("send", "-d", name, "--endpoint", at.url, "--report", "report.json",
                  "--retry-for", "0s", events)  # fmt: skip

    assert any(KEY in str(got.headers) or forms(KEY)[1] in str(got.headers) for got in at.got)
    assert said.code == (1 if status in {400, 422} else 3)
    assert leaks(tmp_path, said, [events]) == []


LOGS = [
    ("gist", 200, ["--log-format", "json"]),
    ("gist", 422, ["--log-file", "log"]),
    ("segment", 401, ["--log-file", "log", "--log-format", "json"]),
    ("segment", 503, []),
    ("webhook", 422, ["--log-format", "json"]),
    ("webhook", 503, ["--log-file", "log"]),
]


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("how", LOGS, ids=str)
def test_a_log_of_every_request_and_an_echoed_reply_gives_no_key_away(
    how: tuple[str, int, list[str]], segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    name, status, log = how

    def answer(got: ReceivedRequest) -> Answer:
        return replace(echo(status)(got), headers={"x-request-id": got.headers["Authorization"]})

    at = vendor(answer)
    endpoint = at.url.replace("//", f"//user:{PASSWORD}@") if name == "webhook" else at.url
    said = segcli("send", "-d", name, "--endpoint", f"{endpoint}/hook?token={TOKEN}", "-vv", *log,
                  "--retry-for", "0s", "--report", "report.json", "--metrics", "metrics",
                  events)  # fmt: skip

    text = (tmp_path / "log").read_text() if "log" in log else said.err
    assert "request 1" in text
    assert f"{at.url}/hook" in text
    assert "***" in text
    assert leaks(tmp_path, said, [events]) == []


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("padding", range(0, 60, 12))
def test_a_body_of_the_log_that_ends_within_the_key_gives_no_part_of_it_away(
    padding: int, segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    def answer(got: ReceivedRequest) -> Answer:
        return Answer(422, body=b"x" * (1990 + padding) + got.headers["Authorization"].encode())

    said = segcli("send", "-d", "gist", "--endpoint", vendor(answer).url, "-vv", events)

    assert said.code == 1
    assert leaks(tmp_path, said, [events]) == []


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("name", ["gist", "segment"])
@pytest.mark.parametrize("padding", range(0, 60, 4))
def test_excerpt_that_cuts_a_key_reveals_no_part_of_it(
    padding: int, name: str, segcli: Segcli, vendor: Serve, events: Path, tmp_path: Path
) -> None:
    at = vendor(
        lambda got: Answer(422, body=b"x" * (140 + padding) + got.headers["Authorization"].encode())
    )
    said = segcli("send", "-d", name, "--endpoint", at.url, "--report", "report.json", events)

    assert said.code == 1
    assert leaks(tmp_path, said, [events]) == []


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("answer", [echo(400), echo(401), echo(503)], ids=["400", "401", "503"])
def test_password_and_token_of_an_endpoint_are_not_revealed(
    answer: Callable[[ReceivedRequest], Answer],
    segcli: Segcli,
    vendor: Serve,
    events: Path,
    tmp_path: Path,
) -> None:
    at = vendor(answer)
    endpoint = at.url.replace("//", f"//user:{PASSWORD}@") + f"/hook?token={TOKEN}"
    said = segcli("send", "-d", "webhook", "--endpoint", endpoint, "--report", "report.json",
                  "--retry-for", "0s", events)  # fmt: skip

    assert any(TOKEN in got.path for got in at.got)
    assert any(forms(PASSWORD)[2] in str(got.headers) for got in at.got)
    assert leaks(tmp_path, said, [events]) == []


@pytest.mark.parametrize(
    "endpoint",
    [
        f"http://user:{PASSWORD}@127.0.0.1:{closed_port()}/?token={TOKEN}",
        f"http://user:{PASSWORD}@no-such-host.invalid/?token={TOKEN}",
        f"http://user:{PASSWORD}@1.2.3.999/?token={TOKEN}",
        f"ftp://user:{PASSWORD}@example.com/?token={TOKEN}",
        f"user:{PASSWORD}@example.com/?token={TOKEN}",
        f"http://user:{PASSWORD}@example.com:port/?token={TOKEN}",
    ],
    ids=["refused", "unknown", "impossible", "not http", "no scheme", "no port"],
)
def test_error_about_a_bad_endpoint_reveals_no_secrets(
    endpoint: str, segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    said = segcli("send", "-d", "webhook", "--endpoint", endpoint, "--set", f"api_key={KEY}",
                  "--report", "report.json", "--retry-for", "0s", "--allow-http",
                  events)  # fmt: skip

    assert said.code in {2, 3}
    assert "endpoint" in said.err or "cannot connect" in said.err
    (tmp_path / "some.file").touch()
    assert leaks(tmp_path, said, [events]) == []


@pytest.mark.parametrize("key", [f"{KEY}\u00e9", f"{KEY}\n{KEY}", f"{KEY}\x07"], ids=ascii)
def test_error_about_a_key_unfit_for_a_header_does_not_reveal_it(
    key: str, segcli: Segcli, events: Path, tmp_path: Path
) -> None:
    said = segcli("send", "-d", "gist", "--set", f"api_key={key}", events)

    assert said.code == 2
    assert "api_key must be" in said.err
    assert leaks(tmp_path, said, []) == []


@pytest.mark.parametrize(
    "content", [f"{KEY}\n", f"[gist]\napi_key = '{KEY}'\n", f"[gist]\napi_keys = '{KEY}'\n",
                f"[gist]\napi_key = '{KEY}\n", f"gist = '{KEY}'\n"],
    ids=["no TOML", "right", "misspelled", "open string", "no table"],
)  # fmt: skip
def test_key_from_a_file_is_not_revealed(
    content: str,
    segcli: Segcli,
    start_sandbox: Callable[..., SandboxServer],
    events: Path,
    tmp_path: Path,
) -> None:
    config = tmp_path / "segcli.toml"
    config.write_text(content)
    at = start_sandbox(key="another")
    to = ("send", "-d", "gist", "--endpoint", at.endpoint("gist"), events)
    by_config = segcli(*to)
    config.rename(tmp_path / "key.txt")
    by_file = segcli(*to, "--api-key-file", "key.txt", "--restart")

    assert by_config.code in {2, 3}
    assert by_file.code == 3
    for said in (by_config, by_file):
        assert leaks(tmp_path, said, [events, tmp_path / "key.txt"]) == []


BUG = """
import sys
from segcli.cli import main
from segcli.delivery.retry import BatchSender

async def bug(self, batch, *_):
    request = self.job.destination.request(batch[0].route, [b"{}"], self.job.settings)
    raise RuntimeError(f"a bug: {self!r} {self.job.settings} {request!r} {vars(sys)['argv'][1:2]}")

BatchSender._attempt = bug
main()
"""


def test_traceback_of_a_bug_reveals_no_key(
    events: Path, tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    environment = clean_environment | {"SEGCLI_GIST_API_KEY": KEY, "XDG_STATE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", BUG, "send", "-d", "gist", "--report", "report.json", str(events)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    said = CommandResult(done.returncode, done.stdout, done.stderr)

    assert said.code == 70
    assert "RuntimeError: a bug: BatchSender(" in said.err
    assert "api_key=Secret('***')" in said.err
    assert leaks(tmp_path, said, []) == []


def test_send_to_sandbox_reveals_no_key(segcli: Segcli, events: Path, tmp_path: Path) -> None:
    said = segcli("send", "-d", "gist", "--sandbox", "--set", f"api_key={KEY}", events)

    assert said.code == 1
    assert "4  delivered" in said.err
    assert leaks(tmp_path, said, []) == []


def test_the_key_of_a_sandbox_hides_no_words_of_a_message(
    segcli: Segcli, start_sandbox: Callable[..., SandboxServer], events: Path, tmp_path: Path
) -> None:
    url = start_sandbox().url
    to = ["--endpoint", f"{url}/nope", "--set", f"api_key={DEFAULT_KEY}", "--rejects", "kept"]
    said = segcli("send", "-d", "gist", *to, events)
    refused = [one["reason"] for one in records(tmp_path / "kept") if one["state"] == "refused"]

    assert refused
    for text in (said.err, *refused):
        assert "for a destination file, start the sandbox with --dest PATH" in text
        assert "***" not in text


@pytest.mark.parametrize("key", [DEFAULT_KEY, REHEARSAL_KEY])
def test_the_key_of_a_sandbox_is_no_part_of_a_path_or_an_option(key: str) -> None:
    paths = {path for vendor in VENDORS.values() for path in vendor.routes}
    options = {name.replace("_", "-") for names in SOURCES.values() for name in names}

    assert not [known for known in {*COMMANDS, *VENDORS, *paths, *options} if key in known]
