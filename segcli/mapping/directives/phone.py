"""Phone numbers as `+493023125014`: `@phone`. segcli's own, not mapping-kit's.

How national numbers are written, and which exist, is knowledge of Google's libphonenumber, which
Segment's own destinations use too: the package phonenumbers, or phonenumberslite.
"""

import re
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from segcli.core.extras import how_to_install
from segcli.mapping.javascript import UNDEFINED, is_javascript_number, javascript_number
from segcli.mapping.node import Context, Node, constant

if TYPE_CHECKING:
    from collections.abc import Callable

_LETTERS = re.compile("[A-Za-z]{2}")
_COUNTRY = 'must be the two letters of a country, such as "DE" for Germany'
_MEANT = {"UK": ": write GB", "EL": ": write GR"}


def phone(options: dict[str, Any], context: Context) -> Node:
    """Compile `@phone`: a phone number in the form of E.164; no value for any other text.

    `country`, two letters, says where a number without a country code belongs.
    """
    value = context.part(options["value"], "@phone", "value")
    country = (
        context.part(options["country"], "@phone", "country") if "country" in options else None
    )
    read = value.run
    read_country = (country or constant(None)).run
    number_of = _number_reader()

    def run(data: Any) -> Any:
        found = read(data)
        text = javascript_number(found) if is_javascript_number(found) else found
        if not isinstance(text, str):
            return UNDEFINED
        where = read_country(data)
        return number_of(text, where.upper() if isinstance(where, str) else None) or UNDEFINED

    return Node(run, value.is_constant and (country is None or country.is_constant))


def phones_missing() -> str:
    """Return what to say if phonenumbers is not installed; "" if it is."""
    is_installed = find_spec("phonenumbers") is not None
    return "" if is_installed else f"needs phonenumbers: type {how_to_install('phone')}"


def country_problem(country: str) -> str:
    """Return what is wrong with a country that is given as a text; "" if nothing is.

    `@phone` never finds a number in such a country.
    """
    if not _LETTERS.fullmatch(country):
        return _COUNTRY
    if find_spec("phonenumbers") is None:
        return ""
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415  # optional, and slow

    if country.upper() in SUPPORTED_REGIONS:
        return ""
    return f"{_COUNTRY}; {country.upper()} is none{_MEANT.get(country.upper(), '')}"


def _number_reader() -> "Callable[[str, str | None], str]":
    """Return the function that gives the E.164 of a number in a country; "" for none."""
    import phonenumbers  # noqa: PLC0415  # optional, and slow

    def number_of(text: str, country: str | None) -> str:
        try:
            number = phonenumbers.parse(text, country)
        except phonenumbers.NumberParseException:
            return ""
        if not phonenumbers.is_valid_number(number):
            return ""
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    return number_of
