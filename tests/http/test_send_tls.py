"""A vendor with an untrusted certificate gets nothing: the run stops before the key is sent."""

import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.fakes import (
    Answer,
    CommandResult,
    Vendor,
    report_in,
    sending_to,
    tracks,
    vendor_server,
    write_events,
)

Segcli = Callable[..., CommandResult]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Create a self-signed certificate for this machine, with its key."""
    path = tmp_path_factory.mktemp("tls") / "own.pem"
    subject = ["-subj", "/CN=here", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    try:
        subprocess.run([*command, *files], check=True, capture_output=True, timeout=30)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    path.write_bytes(path.read_bytes() + Path(f"{path}.crt").read_bytes())
    return path


@pytest.fixture
def vendor(certificate: Path) -> Iterator[Vendor]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with vendor_server(lambda _got: Answer(), context) as vendor:
        yield vendor


def test_untrusted_certificate_stops_the_run_at_once(
    segcli: Segcli, vendor: Vendor, tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(20))
    said = segcli(*sending_to("gist", vendor.url), events)

    assert said.code == 3
    assert "gist gave no answer: cannot connect" in said.err
    assert "CERTIFICATE_VERIFY_FAILED" in said.err
    assert "Check endpoint." in said.err
    assert report_in(tmp_path)["ledger"]["unsent"] == 20
    assert vendor.got == []


def test_certificate_trusted_by_the_machine_is_accepted(
    segcli: Segcli,
    vendor: Vendor,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
    events = write_events(tmp_path / "events.jsonl", tracks(20))

    assert segcli(*sending_to("gist", vendor.url), events).code == 0
    assert len(vendor.got) == 20


@pytest.mark.parametrize("transport", ["aiohttp", "httpx"])
@pytest.mark.parametrize("name", ["empty.pem", "no.pem"])
def test_certificates_that_cannot_be_read_stop_the_run_at_once(
    transport: str,
    name: str,
    segcli: Segcli,
    vendor: Vendor,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reason = "it holds no certificate" if name == "empty.pem" else "No such file"
    (tmp_path / "empty.pem").touch()
    monkeypatch.setenv("SSL_CERT_FILE", name)
    events = write_events(tmp_path / "events.jsonl", tracks(20))
    said = segcli(*sending_to("gist", vendor.url), "--http-transport", transport, events)

    assert said.code == 3
    assert f"the certificates of SSL_CERT_FILE={name} cannot be read: {reason}" in said.err
    assert report_in(tmp_path)["ledger"]["unsent"] == 20
    assert vendor.got == []
