"""What must not be shown: keys, and the parts of an address that may hold one."""

import base64
from collections.abc import Iterator
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

# Shorter parts of an address are no secrets, and words of a message may contain them.
_SHORTEST_SECRET = 6


_SHORTEST = 4


class Secret:
    """A key. `reveal()` is the only way to its text; as text or in a traceback it is `***`.

    Empty means that none was given, and is false.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself, to be put in a request and nowhere else."""
        return self._text

    def basic(self) -> str:
        """Return the Basic credentials with the key as the user name and no password."""
        return base64.b64encode(f"{self._text}:".encode()).decode()

    def forms(self) -> tuple[str, ...]:
        """Return what must not be shown: the key as it is, and as Basic credentials.

        A key of one to three letters is no key, and hiding it would blank out whole messages.
        """
        return (self._text, self.basic()) if len(self._text) >= _SHORTEST else ()

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret('***')" if self._text else "Secret('')"

    def __str__(self) -> str:
        return "***" if self._text else ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> tuple[type["Secret"], tuple[str]]:
        return Secret, (self._text,)


def display_url(url: str) -> str:
    """Return an address as it may be shown and kept: without user, password and query values.

    What cannot be read as an address is `…`: nothing tells where a key would stand in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def secrets_in_address(url: str) -> Iterator[str]:
    """Yield what `display_url` does not show of an address."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from (secret for secret in _secrets_of(parts) if len(secret) >= _SHORTEST_SECRET)


def _secrets_of(parts: SplitResult) -> Iterator[str]:
    """Yield user and password together, as Basic credentials and apart, and the query's values."""
    credentials = parts.netloc.rpartition("@")[0]
    if credentials:
        user, _, password = unquote(credentials).partition(":")
        yield base64.b64encode(f"{user}:{password}".encode()).decode()
        yield from (credentials, unquote(credentials), password, parts.password or "")
    yield parts.query
    yield from (value for _, value in parse_qsl(parts.query))
    yield from (pair.partition("=")[2] for pair in parts.query.split("&"))
