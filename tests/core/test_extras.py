"""What to type to install an extra names the place that segcli was installed from."""

import json
from types import SimpleNamespace

import pytest

from segcli.core.extras import how_to_install


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
def test_the_command_names_what_segcli_came_from(
    origin: object, installs: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = json.dumps(origin) if origin else None
    found = SimpleNamespace(read_text=lambda name: text if name == "direct_url.json" else None)
    monkeypatch.setattr("importlib.metadata.distribution", {"segcli": found}.get)

    assert how_to_install("remote") == f"pip install '{installs}'"
    assert how_to_install("remote", "gcsfs") == f"pip install '{installs}' gcsfs"
