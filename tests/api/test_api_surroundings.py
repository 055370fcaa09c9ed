"""A program gets what it asks for: no setting of the machine decides, and no file is written."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import Answer, ReceivedRequest, Vendor, closed_port, track
from support.samples import KEY

import segcli
from segcli.sandbox import SandboxServer

StartSandbox = Callable[..., SandboxServer]
Serve = Callable[[Callable[[ReceivedRequest], Answer]], Vendor]
EVENT = track(properties={"email": "a@b.c", "total": 3})


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working folder, which holds and names other settings for everything."""
    nowhere = f"http://127.0.0.1:{closed_port()}"
    (tmp_path / "segcli.toml").write_text(
        f'[webhook]\nendpoint = "{nowhere}"\napi_key = "found"\nlabel = "Found"\n'
        f'[gist]\nendpoint = "{nowhere}"\nbatch = 7\n'
    )
    (tmp_path / "gist.toml").write_text('name = "gist"\n')
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, nowhere)
    for name, text in {
        "SEGCLI_DEST": "plotline",
        "SEGCLI_CONFIG": "no-such.toml",
        "SEGCLI_WEBHOOK_ENDPOINT": nowhere,
        "SEGCLI_WEBHOOK_API_KEY": "from-the-environment",
        "SEGCLI_WEBHOOK_LABEL": "Environment",
        "SEGCLI_GIST_API_KEY": "from-the-environment",
        "SEGCLI_GIST_BATCH": "9",
        "SEGCLI_LIMIT": "0",
        "SEGCLI_TYPE": "page",
        "SSL_CERT_FILE": "no-such.pem",
        "XDG_STATE_HOME": str(tmp_path / "state"),
    }.items():
        monkeypatch.setenv(name, text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_hostile_environment_and_a_hostile_file_change_nothing(
    hostile: Path, vendor: Serve
) -> None:
    server = vendor(lambda _got: Answer())
    before = sorted(os.walk(hostile))
    wanted = {"endpoint": server.url, "api_key": KEY}

    [outcome] = segcli.transform([EVENT], dest="webhook")
    review = segcli.check([EVENT], dest="webhook")
    report = segcli.send([EVENT, {}], dest="webhook", settings=wanted)

    assert outcome.payload == EVENT
    assert review.ok
    assert report.endpoint == server.url
    assert report.ledger["delivered"] == 1
    assert len(server.got) == 1
    assert "environment" not in str(server.got[0].headers)
    with pytest.raises(segcli.SettingsError, match="gist needs api_key"):
        segcli.send([EVENT], dest="gist")
    assert sorted(os.walk(hostile)) == before, "no file is written"


def test_from_environment_takes_what_the_command_takes(
    vendor: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = vendor(lambda _got: Answer())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEGCLI_CONFIG", raising=False)
    monkeypatch.setenv("SEGCLI_WEBHOOK_ENDPOINT", server.url)
    monkeypatch.setenv("SEGCLI_WEBHOOK_API_KEY", KEY)
    (tmp_path / "segcli.toml").write_text('[webhook]\nlabel = "Found"\n')
    off = {**EVENT, "integrations": {"Found": False}}
    environment = segcli.from_environment()

    report = segcli.send([EVENT, off], dest="webhook", config=environment)

    assert report.ledger["delivered"] == 1
    assert report.ledger["skipped"] == 1
    assert KEY not in repr(environment)
    (tmp_path / "segcli.toml").write_text(f'[webhook]\nendpoint = "{server.url}/found"\n')
    monkeypatch.delenv("SEGCLI_WEBHOOK_ENDPOINT")
    with pytest.raises(segcli.SettingsError, match="the key comes from SEGCLI_WEBHOOK_API_KEY"):
        segcli.send([EVENT], dest="webhook", config=segcli.from_environment())


def test_a_proxy_is_used_only_with_the_environment(
    vendor: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = vendor(lambda _got: Answer())
    for name in ("http_proxy", "HTTP_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("no_proxy", "NO_PROXY", "SEGCLI_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    wanted = {"endpoint": "http://vendor.invalid"}

    report = segcli.send([EVENT], dest="webhook", settings=wanted, config=segcli.from_environment())

    assert report.ok
    with pytest.raises(segcli.Stopped):
        segcli.send([EVENT], dest="webhook", settings=wanted, retry_for=0.1)
    assert len(proxy.got) == 1


def test_config_names_a_settings_file(tmp_path: Path, vendor: Serve) -> None:
    server = vendor(lambda _got: Answer())
    file = tmp_path / "mine.toml"
    file.write_text(f'[webhook]\nendpoint = "{server.url}"\napi_key = "{KEY}"\n')

    assert segcli.send([EVENT], dest="webhook", config=file).ok
    for path, problem in ((tmp_path / "no.toml", "does not exist"), (tmp_path, "is a folder")):
        with pytest.raises(segcli.SettingsError, match=problem):
            segcli.transform([EVENT], dest="webhook", config=path)


def test_a_send_writes_only_what_is_named(tmp_path: Path, vendor: Serve) -> None:
    url = vendor(lambda _got: Answer(400)).url
    rejects = tmp_path / "rejects.ndjson"

    report = segcli.send([EVENT], dest="webhook", settings={"endpoint": url}, rejects=rejects)

    assert report.rejects_file == str(rejects)
    assert report.rejects == ()
    assert os.listdir(tmp_path) == ["rejects.ndjson"]
