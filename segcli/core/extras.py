"""What to type to install an extra of segcli, from where segcli itself was installed."""

import shlex
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from importlib.metadata import Distribution

# What these programs leave in the environments that they make.
_OF_UV, _OF_PIPX = "uv-receipt.toml", "pipx_metadata.json"


def how_to_install(extra: str, *more: str) -> str:
    """Return the command that adds an extra, and more packages, for what installed segcli.

    It names the checkout, archive or repository that segcli was installed from, and the package
    only if it came from an index.
    """
    found = _distribution()
    source = _source(extra, found)
    if _is_beside(found, _OF_UV):
        packages = [word for name in more for word in ("--with", name)]
        return shlex.join(["uv", "tool", "install", "--force", source, *packages])
    if _is_beside(found, _OF_PIPX):
        command = shlex.join(["pipx", "install", "--force", source])
        return (
            f"{command} && {shlex.join(['pipx', 'inject', 'segcli', *more])}" if more else command
        )
    return shlex.join(["pip", "install", source, *more])


def _source(extra: str, found: "Distribution | None") -> str:
    origin = _origin(found)
    url = origin.get("url")
    if not isinstance(url, str):
        return f"segcli[{extra}]"
    if "dir_info" in origin:
        return f"{unquote(urlsplit(url).path)}[{extra}]"
    vcs = origin.get("vcs_info", {}).get("vcs")
    return f"segcli[{extra}] @ {vcs}+{url}" if vcs else f"segcli[{extra}] @ {url}"


def _origin(found: "Distribution | None") -> dict[str, Any]:
    """Return what pip recorded of an installation that was not from an index, else nothing."""
    import json  # noqa: PLC0415  # only an error needs it

    text = found.read_text("direct_url.json") if found else None
    origin: dict[str, Any] = json.loads(text) if text else {}
    return origin


def _is_beside(found: "Distribution | None", name: str) -> bool:
    """Return whether the environment that segcli is installed in has a file of this name."""
    # Packages are in lib/python3.X/site-packages of the environment.
    if found is None:
        return False
    file: Any = found.locate_file(f"../../../{name}")
    return bool(file.is_file())


def _distribution() -> "Distribution | None":
    # Imported here: only an error needs it, and it is slow.
    from importlib.metadata import PackageNotFoundError, distribution  # noqa: PLC0415

    try:
        return distribution("segcli")
    except PackageNotFoundError:
        return None
