"""The address of a request in the form that is sent, and the headers that depend on it."""

import base64
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from segcli import __version__
from segcli.http.failure import Failure, TransportError

HeaderPairs = tuple[tuple[str, str], ...]

USUAL_HEADERS: Mapping[str, str] = {
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"segcli/{__version__}",
}

_MAX_LENGTH = 64 * 1024
_ADDRESS = re.compile(
    r"(?:((?:[a-zA-Z][a-zA-Z0-9+.-]*)?):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?", re.DOTALL
)
_AUTHORITY = re.compile(r"(?:(.*)@)?(\[.*\]|[^:@]*):?(.*)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IPV4 = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+")
_DEFAULT_PORTS = {"http": 80, "https": 443}
_PORTS = range(65_536)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NOT_IN_A_VALUE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
# The transport says how long the body is.
_FRAMING = frozenset({"content-length", "transfer-encoding"})


def _all_printable_but(characters: str) -> str:
    return "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in characters)


# Characters that need no escape, by https://url.spec.whatwg.org/#percent-encoded-bytes.
_IN_QUERY = _all_printable_but('"#<>')
_IN_PATH = _all_printable_but('"#<>?`{}')
_IN_HOST = _all_printable_but("#/:<>?@[]^")
_ESCAPED = re.compile(r"(%[A-Fa-f0-9]{2})")


@dataclass(frozen=True, slots=True)
class Address:
    """An address in ASCII, without user and fragment.

    scheme: in lower case; "" for none.
    host: in lower case, without the brackets of IPv6.
    authority: the host and, unless it is the default one, the port.
    url: the whole address.
    credentials: the value of the header `Authorization`, for an address that names a user.
    """

    scheme: str
    host: str
    authority: str
    url: str
    credentials: str = ""


@lru_cache
def parse_address(text: str) -> Address:
    """Parse an address and escape it for sending; existing escapes stay as they are.

    Raises TransportError, and UnicodeError for a host name that cannot be encoded.
    """
    if len(text) > _MAX_LENGTH:
        raise _invalid("URL too long")
    if control := _CONTROL.search(text):
        at = f"{control[0]!r} at position {control.start()}"
        raise _invalid(f"Invalid non-printable ASCII character in URL, {at}.")
    match = _ADDRESS.match(text)
    assert match  # every part may be missing
    scheme, authority, path, query = match.groups()
    scheme = (scheme or "").lower()
    userinfo, host, authority = _parse_authority(authority or "", scheme)
    path = _checked_path(path, has_authority=bool(userinfo or authority), has_scheme=bool(scheme))
    before = f"{scheme}:" if scheme else ""
    before += f"//{authority}" if authority else ""
    after = "" if query is None else f"?{_escaped(query, _IN_QUERY)}"
    url = f"{before}{_escaped(path, _IN_PATH)}{after}"
    return Address(scheme, host, authority, url, _basic(userinfo) if userinfo else "")


def request_address(text: str) -> Address:
    """Parse the address of a request. Raises as `parse_address`, and without http or a host."""
    address = parse_address(text)
    if address.scheme not in _DEFAULT_PORTS:
        raise _invalid(f"{address.scheme or 'it'} is neither http nor https")
    if not address.host:
        raise _invalid("it names no host")
    return address


def headers_to(address: Address, own: Iterable[tuple[str, str]]) -> HeaderPairs:
    """Return all headers except the length: the request's `own` headers replace the usual ones.

    The user in an address replaces a header `Authorization`. Raises UnicodeError for text that is
    not ASCII, and TransportError for what no header may hold, such as a line break.
    """
    headers = {"host": ("Host", address.authority)}
    headers |= {name.lower(): (name, value) for name, value in (*USUAL_HEADERS.items(), *own)}
    headers = {name: header for name, header in headers.items() if name not in _FRAMING}
    if address.credentials:
        headers["authorization"] = ("Authorization", address.credentials)
    for name, value in headers.values():
        _check_header(name, value)
    return tuple(headers.values())


def _check_header(name: str, value: str) -> None:
    name.encode("ascii")
    value.encode("ascii")
    if not _HEADER_NAME.fullmatch(name):
        raise TransportError(Failure.REQUEST, f"{name!r} is not the name of a header")
    if _NOT_IN_A_VALUE.search(value):
        # The value may be a key.
        raise TransportError(Failure.REQUEST, f"the header {name!r} holds a control character")


def _invalid(why: str) -> TransportError:
    return TransportError(Failure.ADDRESS, why)


def _parse_authority(text: str, scheme: str) -> tuple[str, str, str]:
    """Return the user information, the host, and the host with its port."""
    match = _AUTHORITY.match(text)
    assert match  # every part may be empty
    userinfo, host, port = match.groups()
    host = _encoded_host(host)
    authority = f"[{host}]" if ":" in host else host
    number = _parsed_port(port) if port else None
    if number is not None and number != _DEFAULT_PORTS.get(scheme):
        authority += f":{number}"
    return userinfo or "", host, authority


def _parsed_port(port: str) -> int:
    try:
        number = int(port)
    except ValueError:
        number = -1
    if number not in _PORTS:
        # Without the text: it is a password if that holds a slash, which must be escaped.
        raise _invalid("Invalid port")
    return number


def _encoded_host(host: str) -> str:
    if _IPV4.fullmatch(host):
        return _checked_ip(host, ipaddress.IPv4Address)
    if host.startswith("[") and host.endswith("]"):
        return _checked_ip(host[1:-1], ipaddress.IPv6Address)
    if host.isascii() and not host.lower().startswith("xn--"):
        return _escaped(host.lower(), _IN_HOST)
    return _encoded_name(host)


def _checked_ip(host: str, kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> str:
    try:
        kind(host)
    except ipaddress.AddressValueError:
        version = "IPv4" if kind is ipaddress.IPv4Address else "IPv6"
        shown = host if version == "IPv4" else f"[{host}]"
        raise _invalid(f"Invalid {version} address: {shown!r}") from None
    return host


def _encoded_name(host: str) -> str:
    """Encode an internationalized name, or check one that is encoded already."""
    # Imported here: few hosts need it, and the import is slow.
    import idna  # noqa: PLC0415

    if host.isascii():
        encoded = _escaped(host.lower(), _IN_HOST)
        idna.decode(encoded)
        return encoded
    try:
        return idna.encode(host.lower()).decode("ascii")
    except idna.IDNAError:
        raise _invalid(f"Invalid IDNA hostname: {host!r}") from None


def _checked_path(path: str, *, has_authority: bool, has_scheme: bool) -> str:
    """Return the path with `.` and `..` resolved."""
    if has_authority and path and not path.startswith("/"):
        raise _invalid("For absolute URLs, path must be empty or begin with '/'")
    if not (has_authority or has_scheme):
        for start in ("//", ":"):
            if path.startswith(start):
                raise _invalid(f"Relative URLs cannot have a path starting with {start!r}")
        return path
    parts = path.split("/")
    return _without_dots(parts) if "." in parts or ".." in parts else path


def _without_dots(parts: Iterable[str]) -> str:
    kept: list[str] = []
    for part in parts:
        if part == "..":
            if kept and kept != [""]:
                kept.pop()
        elif part != ".":
            kept.append(part)
    return "/".join(kept)


def _escaped(text: str, safe: str) -> str:
    """Escape all characters that are not safe, except in escapes."""
    return "".join(
        part if _ESCAPED.fullmatch(part) else "".join(_escape(char, safe) for char in part)
        for part in _ESCAPED.split(text)
    )


def _escape(char: str, safe: str) -> str:
    return char if char in safe else "".join(f"%{byte:02X}" for byte in char.encode())


def _basic(userinfo: str) -> str:
    user, _, password = userinfo.partition(":")
    words = f"{unquote(user)}:{unquote(password)}".encode()
    return f"Basic {base64.b64encode(words).decode()}"
