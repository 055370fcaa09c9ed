"""The credentials that vendors make of a key."""

from base64 import b64decode, b64encode


def basic(key: bytes) -> bytes:
    """Return Basic credentials: the key as user name, then always a colon."""
    return b"Basic " + b64encode(key + b":")


def bearer(key: bytes) -> bytes:
    """Return a bearer token."""
    return b"Bearer " + key


def basic_password(header: bytes) -> bytes:
    """Return the password of Basic credentials; b"" for other credentials, or none."""
    scheme, _, text = header.partition(b" ")
    try:
        pair = b64decode(text, validate=True) if scheme == b"Basic" else b""
    except ValueError:
        return b""
    return pair.partition(b":")[2]
