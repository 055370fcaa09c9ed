"""What must not be shown: keys, and the parts of an address that may hold one."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from segcli.core.key_forms import forms_of
from segcli.core.redaction import Redactor

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
        return _basic(self._text)

    def forms(self, beside: Sequence[str] = ()) -> Iterator[str]:
        """Yield what may show it: the key, plain and encoded, and as Basic credentials.

        `beside` are what may be the user name to its password, or the other way round. A key of
        one to three letters is no key, and hiding it would blank out whole messages.
        """
        if len(self._text) < _SHORTEST:
            return
        for other in ("", *beside):
            for pair in (f"{self._text}:{other}", f"{other}:{self._text}"):
                yield base64.b64encode(pair.encode()).decode()
        for text in filter(None, (self._text, _path_of(self._text))):
            yield from forms_of(text)

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


@lru_cache
def _basic(user: str) -> str:
    return base64.b64encode(f"{user}:".encode()).decode()


def _path_of(text: str) -> str:
    """Return what follows the host of an address that is a key, if that is long enough for one."""
    start, slashes, rest = text.partition("://")
    path = rest.partition("/")[2] if slashes and start in {"http", "https"} else ""
    return path if len(path) >= _SHORTEST_SECRET else ""


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


def display_address(address: str) -> str:
    """Return the address of an input as it may be shown and kept.

    Of the web as `display_url`; elsewhere a `?` is part of a name, and only what comes with a
    password goes. What is a path on disk comes back as it is.
    """
    if re.match(r"https?://", address, re.IGNORECASE):
        return display_url(address)
    return re.sub(r"(?<=://)[^/@]*:[^/@]*@", "", address)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return the text with `***` in place of these."""
    return Redactor(secrets).redact(text)


def hide_address_in(text: str, url: str) -> str:
    """Return the text with what `display_url` does not show of an address replaced by `***`."""
    return hidden(text, secrets_in_address(url))


def holds_credentials(url: str) -> bool:
    """True if an address has a user, a password or a query, which may be a key of any length."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return "@" in parts.netloc or bool(parts.query)


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
