"""The command that installs an extra names the source that segcli was installed from."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from segcli.core.extras import how_to_install


def install(monkeypatch: pytest.MonkeyPatch, environment: Path, origin: str | None) -> None:
    """Let segcli be installed in an environment, and from this origin."""
    packages = environment / "lib" / "python3" / "site-packages"
    packages.mkdir(parents=True)
    found = SimpleNamespace(
        read_text=lambda name: origin if name == "direct_url.json" else None,
        locate_file=lambda name: packages / name,
    )
    monkeypatch.setattr("importlib.metadata.distribution", {"segcli": found}.get)


@pytest.mark.parametrize(
    ("origin", "installs"),
    [
        (None, "segcli[remote]"),
        ({"url": "file:///src/segcli", "dir_info": {"editable": True}}, "/src/segcli[remote]"),
        ({"url": "file:///my%20src/segcli", "dir_info": {}}, "/my src/segcli[remote]"),
        (
            {"url": "https://git.example/segcli", "vcs_info": {"vcs": "git", "commit_id": "1"}},
            "segcli[remote] @ git+https://git.example/segcli",
        ),
        (
            {"url": "file:///tmp/segcli-1-py3-none-any.whl", "archive_info": {}},
            "segcli[remote] @ file:///tmp/segcli-1-py3-none-any.whl",
        ),
    ],
    ids=["an index", "a checkout", "a folder with a blank", "a repository", "a wheel"],
)
def test_install_command_names_the_source_of_segcli(
    origin: object, installs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(origin) if origin else None
    install(monkeypatch, tmp_path, text)

    assert how_to_install("remote") == f"pip install '{installs}'"
    assert how_to_install("remote", "gcsfs") == f"pip install '{installs}' gcsfs"


@pytest.mark.parametrize(
    ("left", "alone", "more"),
    [
        (
            "uv-receipt.toml",
            "uv tool install --force 'segcli[remote]'",
            "uv tool install --force 'segcli[remote]' --with gcsfs",
        ),
        (
            "pipx_metadata.json",
            "pipx install --force 'segcli[remote]'",
            "pipx install --force 'segcli[remote]' && pipx inject segcli gcsfs",
        ),
    ],
)
def test_the_command_is_one_for_what_installed_segcli(
    left: str, alone: str, more: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / left).touch()
    install(monkeypatch, tmp_path, None)

    assert how_to_install("remote") == alone
    assert how_to_install("remote", "gcsfs") == more
