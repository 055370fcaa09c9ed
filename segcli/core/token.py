"""Access tokens of OAuth: what a vendor's token address answers."""

from dataclasses import dataclass, field

from segcli.core.exact_json import loads
from segcli.core.reply import Reply


@dataclass(frozen=True, slots=True)
class Token:
    """An access token. `repr` shows neither it nor the refresh token.

    access: the token.
    seconds: how long it is valid from now on; None if the vendor does not say.
    refresh: a refresh token that replaces the one that was used; "" for none.
    """

    access: str = field(repr=False)
    seconds: float | None = None
    refresh: str = field(default="", repr=False)


def read_token(reply: Reply) -> Token | None:
    """Return the token in a reply, as RFC 6749 5.1 has it; None if there is none."""
    if reply.broken or not 200 <= reply.status < 300:
        return None
    try:
        body = loads(reply.body)
    except ValueError:
        return None
    access = body.get("access_token") if isinstance(body, dict) else None
    # It becomes a header, so it must be printable ASCII.
    if not isinstance(access, str) or not access.isascii() or not access.isprintable():
        return None
    refresh = body.get("refresh_token")
    seconds = _seconds(body.get("expires_in"))
    return Token(access, seconds, refresh if isinstance(refresh, str) else "") if access else None


def _seconds(value: object) -> float | None:
    """Return a duration; some vendors write it as a text."""
    try:
        found = float(value) if isinstance(value, int | float | str) else None
    except (ValueError, OverflowError):
        return None
    return found if found is not None and found > 0 else None
