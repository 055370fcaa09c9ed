"""The reasons why no reply came, in the same words for all transports."""

import os
import re
import socket
import ssl
from collections.abc import Iterator
from enum import Enum

from segcli.core.reply import EXCERPT


class Failure(Enum):
    """The kind of a failure. The value is the text for users."""

    CONNECT = "cannot connect"
    PROXY = "the proxy failed"
    RESET = "the connection was reset"
    CLOSED = "no complete reply: Server disconnected"
    NOT_WHOLE = "no complete reply"
    REQUEST = "cannot send this request"
    ADDRESS = "cannot send to this address"
    OTHER = "no reply"


class TransportError(Exception):
    """A request failed. The text is the message of the library.

    failure: the kind of failure.
    """

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure

    @property
    def is_final(self) -> bool:
        """True if the same request will fail again until something is changed."""
        return self.failure in {Failure.REQUEST, Failure.ADDRESS} or self._is_untrusted

    @property
    def detail(self) -> str:
        """What happened; the message of the system if there is one."""
        detail = _without_quotes(self._what_happened())
        if self._is_untrusted:
            detail += "; SSL_CERT_FILE=PATH names authorities to trust"
        return detail

    @property
    def _is_untrusted(self) -> bool:
        """True if the certificate of the server was refused."""
        return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _causes(self))

    def _what_happened(self) -> str:
        for cause in _causes(self):
            match cause:
                case socket.gaierror():
                    return str(cause.strerror)
                case OSError(errno=int(number)) if number > 0 and not isinstance(
                    cause, ssl.SSLError
                ):
                    return os.strerror(number)
        return str(self).strip()


def _without_quotes(detail: str) -> str:
    """Return a long text without the bytes of the vendor that it quotes.

    If the text were cut within them, it could show a part of a key, which redaction would miss.
    """
    if len(detail) <= EXCERPT:
        return detail
    return re.split(r":? (?:bytearray\()?b['\"]", detail, maxsplit=1)[0][:EXCERPT]


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield the error and the chain of its causes."""
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
