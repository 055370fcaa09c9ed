"""Secrets: keys, and the parts of an address that may contain a key."""

import base64
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit, urlunsplit

from segcli.core.key_forms import forms_of
from segcli.core.redaction import Redactor

# Shorter parts of an address are not treated as secrets: words of messages may contain them.
_MIN_ADDRESS_SECRET = 6
_MIN_KEY = 4


class Secret:
    """A key. Only its methods return the text; printed or in a traceback it is `***`.

    An empty secret means that no key was given; it is false.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the key itself. Use it in a request only."""
        return self._text

    def basic(self) -> str:
        """Return the Basic credentials with the key as the user name and no password."""
        return _basic(self._text)

    def forms(self, beside: Sequence[str] = ()) -> Iterator[str]:
        """Yield the forms that would show the key: plain, encoded, and as Basic credentials.

        `beside` are texts that may be the user name to this password, or the password to this user
        name. Nothing for one to three characters: that is not a key, and hiding it would remove
        large parts of messages.
        """
        if len(self._text) < _MIN_KEY:
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
    """Return the path of a key that is an address, if it is long enough to be a secret."""
    start, slashes, rest = text.partition("://")
    path = rest.partition("/")[2] if slashes and start in {"http", "https"} else ""
    return path if len(path) >= _MIN_ADDRESS_SECRET else ""


def display_url(url: str) -> str:
    """Return an address in the form that may be shown and stored: without credentials and query.

    Returns `…` for text that cannot be parsed as an address: a key could be anywhere in it.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "…"
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "…" if parts.query else "", ""))


def display_address(address: str) -> str:
    """Return the address of an input in the form that may be shown and stored.

    A web address is shortened as by `display_url`. In other addresses a `?` is a part of the name,
    and only credentials with a password are removed. A path on disk is returned unchanged.
    """
    if re.match(r"https?://", address, re.IGNORECASE):
        return display_url(address)
    return re.sub(r"(?<=://)[^/@]*:[^/@]*@", "", address)


def hidden(text: str, secrets: Iterable[str]) -> str:
    """Return the text with `***` in place of these secrets."""
    return Redactor(secrets).redact(text)


def hide_address_in(text: str, url: str) -> str:
    """Return the text with `***` in place of the secrets of an address."""
    return hidden(text, secrets_in_address(url))


def holds_credentials(url: str) -> bool:
    """True if an address has a user, a password or a query, which may be a key of any length."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return "@" in parts.netloc or bool(parts.query)


def secrets_in_address(url: str) -> Iterator[str]:
    """Yield the parts of an address that `display_url` removes."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    yield from (secret for secret in _secrets_of(parts) if len(secret) >= _MIN_ADDRESS_SECRET)


def _secrets_of(parts: SplitResult) -> Iterator[str]:
    """Yield the credentials, plain and as Basic credentials, the password, and query values."""
    credentials = parts.netloc.rpartition("@")[0]
    if credentials:
        user, _, password = unquote(credentials).partition(":")
        yield base64.b64encode(f"{user}:{password}".encode()).decode()
        yield from (credentials, unquote(credentials), password, parts.password or "")
    yield parts.query
    yield from (value for _, value in parse_qsl(parts.query))
    yield from (pair.partition("=")[2] for pair in parts.query.split("&"))
