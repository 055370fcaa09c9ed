"""What to type to install an extra of segcli, from where segcli itself was installed."""

import shlex
from typing import Any
from urllib.parse import unquote, urlsplit


def how_to_install(extra: str, *more: str) -> str:
    """Return the command for pip that adds an extra, and more packages.

    It names the checkout, archive or repository that segcli was installed from, and the package
    only if it came from an index.
    """
    return shlex.join(["pip", "install", _source(extra), *more])


def _source(extra: str) -> str:
    origin = _origin()
    url = origin.get("url")
    if not isinstance(url, str):
        return f"segcli[{extra}]"
    if "dir_info" in origin:
        return f"{unquote(urlsplit(url).path)}[{extra}]"
    vcs = origin.get("vcs_info", {}).get("vcs")
    return f"segcli[{extra}] @ {vcs}+{url}" if vcs else f"segcli[{extra}] @ {url}"


def _origin() -> dict[str, Any]:
    """Return what pip recorded of an installation that was not from an index, else nothing."""
    # Imported here: only an error needs it, and it is slow.
    import json  # noqa: PLC0415
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415

    try:
        text = distribution("segcli").read_text("direct_url.json")
    except PackageNotFoundError:
        return {}
    found: dict[str, Any] = json.loads(text) if text else {}
    return found
