"""The credentials that vendors make of a key."""

from base64 import b64encode


def basic(key: bytes) -> bytes:
    """Return Basic credentials: the key as user name, then always a colon."""
    return b"Basic " + b64encode(key + b":")


def bearer(key: bytes) -> bytes:
    """Return a bearer token."""
    return b"Bearer " + key
