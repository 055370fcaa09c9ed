"""The formats of texts, such as `email`, and what counts as a date."""

import ipaddress
import math
import re
import warnings
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from segcli.core.pattern import possessive
from segcli.mapping.javascript import javascript_number
from segcli.mapping.javascript_date import read_date, usual_time

_MAX_DATE = 100
_NUMBER = re.compile(r"-?[0-9]{1,21}(?:\.[0-9]+)?(?:e[+-][0-9]{1,3})?")
# A year, with what may follow it. The values of its parts are not checked, as by Segment.
_LOOSE_DATE = re.compile(
    r"""[0-9]{4} [-/]? (?:[0-9]{1,2})? [-/]? [0-9]{0,2} [Tt\s]*
    (?:[0-9]{1,2})? :? (?:[0-9]{1,2})? :? (?:[0-9]{1,2})? [.:]? [0-9]*""",
    re.VERBOSE,
)
_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(
    r"([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|[+-]([0-9]{2})(?::?([0-9]{2}))?)?"
)
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+")
_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]+(?<!-)")
_UUID = re.compile(r"(?:urn:uuid:)?[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_ESCAPED = "%[0-9A-Fa-f]{2}"
_NAME = possessive(rf"[A-Za-z0-9._~!$&'()*+,;=:@-]++|{_ESCAPED}")
_HOST = rf"(?://{_NAME}(?:\[[0-9A-Fa-f:.]+\](?::[0-9]*+)?)?)?"
_PATH = possessive(rf"[A-Za-z0-9._~!$&'()*+,;=:@/-]++|{_ESCAPED}")
_QUERY = possessive(rf"[A-Za-z0-9._~!$&'()*+,;=:@/?-]++|{_ESCAPED}")
_REFERENCE = re.compile(rf"{_HOST}{_PATH}(?:\?{_QUERY})?(?:#{_QUERY})?")
# RFC 6570: text, with expressions such as {?name,list*} in it.
_VARIABLE = possessive(rf"[A-Za-z0-9_]++|{_ESCAPED}", "+") + r"(?::[1-9][0-9]{0,3}|\*)?"
_EXPRESSION = rf"\{{[+#./;?&=,!@|]?{_VARIABLE}(?:,{_VARIABLE})*\}}"
_TEXT = r"[^\x00-\x20\"'<>%\\^`{|}]++"
_URI_TEMPLATE = re.compile(possessive(f"{_TEXT}|{_ESCAPED}|{_EXPRESSION}"))
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?=[^?#])")


def is_date_like(text: str) -> bool:
    """Return whether a text may stand in a `datetime`: a number, a date, or what begins as one."""
    if usual_time(text):
        return True
    if len(text) > _MAX_DATE:
        return False
    if not text.endswith(("Z", "z")) and _LOOSE_DATE.fullmatch(text):
        return True
    return _is_number(text) or read_date(text) is not None


def _is_number(text: str) -> bool:
    """Return whether a text is a number as JavaScript writes it: `12`, not `12.0`."""
    if not _NUMBER.fullmatch(text):
        return False
    value = float(text)
    return math.isfinite(value) and javascript_number(Decimal(repr(value))) == text


def _is_day(text: str) -> bool:
    found = _DAY.fullmatch(text)
    try:
        return bool(found and date(int(found[1]) or 4, int(found[2]), int(found[3])))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if not found:
        return False
    hour, minute, second, east, rest = (int(part or 0) for part in found.groups())
    is_leap = (hour, minute, second) == (23, 59, 60)
    is_real = hour < 24 and minute < 60 and (second < 60 or is_leap)
    return is_real and east < 24 and rest < 60


def _is_day_and_time(text: str) -> bool:
    return _is_day(text[:10]) and text[10:11] in ("T", "t", " ") and _is_time(text[11:])


def _is_email(text: str) -> bool:
    name, at, host = text.rpartition("@")
    labels = host.split(".")
    return (
        bool(at)
        and len(labels) > 1
        and all(map(_LOCAL_PART.fullmatch, name.split(".")))
        and all(map(_LABEL.fullmatch, labels))
    )


def _is_host(text: str) -> bool:
    labels = text.removesuffix(".").split(".")
    is_short = len(text) <= 253 and all(len(label) <= 63 for label in labels)
    return is_short and all(map(_LABEL.fullmatch, labels))


def _is_uri(text: str) -> bool:
    scheme = _SCHEME.match(text)
    return bool(scheme and _REFERENCE.fullmatch(text, scheme.end()))


def _is_address(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def is_one(text: str) -> bool:
        try:
            kind(text)
        except ValueError:
            return False
        return "%" not in text

    return is_one


def _is_expression(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(re.sub(r"\(\?<(?![=!])", "(?P<", text))
    except (re.error, RecursionError, OverflowError, MemoryError):
        return False
    return True


CHECKS: Final[dict[str, tuple[Callable[[str], bool], str]]] = {
    "email": (_is_email, "an email address"),
    "uri": (_is_uri, "a URI such as https://host/path"),
    "uri-reference": (lambda text: bool(_REFERENCE.fullmatch(text)), "a URI or a part of one"),
    "uri-template": (
        lambda text: bool(_URI_TEMPLATE.fullmatch(text)),
        "a template of a URI such as https://host/{name}",
    ),
    "date": (_is_day, "a date such as 2026-01-31"),
    "date-time": (_is_day_and_time, "a date and time such as 2026-01-31T12:00:00Z"),
    "time": (_is_time, "a time such as 12:00:00Z"),
    "ipv4": (_is_address(ipaddress.IPv4Address), "an IPv4 address"),
    "ipv6": (_is_address(ipaddress.IPv6Address), "an IPv6 address"),
    "hostname": (_is_host, "the name of a host"),
    "uuid": (lambda text: bool(_UUID.fullmatch(text)), "a UUID"),
    "regex": (_is_expression, "a regular expression"),
}
