"""An input with an address is read with the right package, or the error names the package."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.compression import gz
from support.fakes import CommandResult, tracks, write_events
from support.tables import for_each

from segcli.core.extras import how_to_install
from segcli.core.secret import display_address
from segcli.inputs import ReadError
from segcli.inputs.input import is_address
from segcli.lines import chunks

Segcli = Callable[..., CommandResult]


@pytest.mark.parametrize("address", ["s3://bucket/a.gz", "gs://bucket/a.gz", "https://host/a.gz"])
def test_missing_package_for_an_address_is_an_error_with_an_install_command(
    address: str, segcli: Segcli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    said = segcli("send", "-d", "webhook", "--sandbox", address)

    assert said.code == 2
    more = " gcsfs" if address.startswith("gs") else ""
    scheme = address.partition(":")[0]
    assert said.err.splitlines()[-2:] == [
        f"Error: {address} cannot be read: the package for {scheme}:// is not installed",
        f"Type: {how_to_install('remote')}{more}",
    ]


def test_unsupported_scheme_is_an_error(segcli: Segcli) -> None:
    said = segcli("transform", "nothing://bucket/a.gz")

    assert said.code == 2
    assert "nothing:// is not supported" in said.err


def test_reading_local_files_imports_no_remote_library(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    (tmp_path / "a.gz").write_bytes(gz(b"{}\n"))
    code = (
        "import sys\nfrom segcli.cli import cli\n"
        "cli.main(['transform', '-q', '.'], standalone_mode=False)\n"
        "print([name for name in ('fsspec', 'aiohttp', 's3fs', 'httpx') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "[]\n", done.stderr


@for_each(
    ("name", "expected"),
    [
        ("s3://b/k", True),
        ("S3://b/k", True),
        ("https://h/p?q", True),
        ("simplecache::s3://b/k", True),
        ("a.jsonl", False),
        ("./s3:/b", False),
        ("/a/b://c", False),
        ("-", False),
        ("C:\\events", False),
    ],
)
def test_input_with_a_scheme_is_an_address(name: str, expected: bool) -> None:
    assert is_address(name) is expected


@for_each(
    ("address", "shown"),
    [
        ("https://user:password@host/a?token=1#x", "https://host/a?…"),
        ("HTTP://host/a?token=1", "http://host/a?…"),
        ("s3://key:secret@bucket/a?b#c", "s3://bucket/a?b#c"),
        ("s3://bucket/a@b/c", "s3://bucket/a@b/c"),
        ("sftp://user:password@host/a", "sftp://host/a"),
        ("abfs://container@account/a", "abfs://container@account/a"),
        ("simplecache::https://user:password@host/a", "simplecache::https://host/a"),
        ("events@home/a?b", "events@home/a?b"),
    ],
)
def test_address_is_shown_without_secrets(address: str, shown: str) -> None:
    assert display_address(address) == shown


def test_memory_file_system_works_like_other_stores(
    memory: object, segcli: Segcli, tmp_path: Path
) -> None:
    text = write_events(tmp_path / "plain", tracks(5)).read_bytes()
    memory.pipe({"/logs/b/1.gz": gz(text), "/logs/a.jsonl": text, "/logs/.hidden": b"x"})  # type: ignore[attr-defined]

    assert [entry.name for entry in chunks.inputs(["memory://logs"])] == [
        "memory://logs/a.jsonl",
        "memory://logs/b/1.gz",
    ]
    assert len(segcli("transform", "-q", "-d", "webhook", "memory://logs").out.splitlines()) == 10
    assert "is given twice" in segcli("transform", "memory://logs", "memory://logs/a.jsonl").err


@pytest.fixture
def caching() -> Any:
    """Return `caching://`, with one object."""
    import fsspec
    from support.caching_store import CachingStore

    CachingStore.clear_instance_cache()
    fsspec.register_implementation("caching", CachingStore, clobber=True)
    store = fsspec.filesystem("caching")
    store.versions["logs/a.jsonl"] = "1"
    return store


NAMED = ["logs/a.jsonl", "logs", "logs/", "logs/*.jsonl", "lo*/a*"]


@pytest.mark.parametrize("path", NAMED)
def test_object_replaced_after_a_listing_that_the_store_keeps_is_detected(
    path: str, caching: Any
) -> None:
    (found,) = chunks.inputs([f"caching://{path}"])
    assert found.remote
    found.remote.check_same()
    caching.versions["logs/a.jsonl"] = "2"

    with pytest.raises(ReadError, match="it has changed since it was checked"):
        found.remote.check_same()


@pytest.mark.parametrize("path", NAMED)
def test_listing_that_the_program_made_before_is_not_used(path: str, caching: Any) -> None:
    caching.versions = {"logs/b.jsonl": "1"}
    for listed in ("", "logs"):
        caching.ls(listed)
    caching.versions = {"logs/a.jsonl": "1"}

    assert [one.name for one in chunks.inputs([f"caching://{path}"])] == ["caching://logs/a.jsonl"]


def test_listing_an_address_is_announced_unless_quiet(memory: object, segcli: Segcli) -> None:
    memory.pipe("/logs/a.jsonl", b"")  # type: ignore[attr-defined]

    assert "Looking at memory://logs …" in segcli("transform", "memory://logs").err
    assert segcli("transform", "-q", "memory://logs").err == ""


def test_fsspec_configuration_overrides_our_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    from segcli.inputs.object_store import located

    wanted = {
        "http": {"client_kwargs": {"trust_env": False}},
        "s3": {"anon": True, "config_kwargs": {"s3": {"addressing_style": "path"}}},
    }
    for scheme, options in wanted.items():
        monkeypatch.setitem(fsspec.config.conf, scheme, options)
    web, _ = located("http://host/a")
    store, _ = located("s3://bucket/a")

    assert web.client_kwargs["trust_env"] is False
    assert web.client_kwargs["auto_decompress"] is False
    assert store.anon is True
    assert store.config_kwargs["s3"] == {"addressing_style": "path"}


def test_link_in_a_folder_given_by_address_is_an_error(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "logs" / "in").mkdir(parents=True)
    write_events(tmp_path / "logs" / "in" / "a.jsonl", tracks(1))
    (tmp_path / "logs" / ".hidden").symlink_to("in")
    assert segcli("transform", "-q", "-d", "webhook", f"file://{tmp_path}/logs").code == 0
    (tmp_path / "logs" / "b.jsonl").symlink_to("in/a.jsonl")
    said = segcli("transform", "-d", "webhook", f"file://{tmp_path}/logs")

    assert said.code == 2
    assert f"file://{tmp_path}/logs/b.jsonl is neither a file nor a folder" in said.err
    assert "type its path: links in it are then followed" in said.err
