"""What a rejects file has about a refusal: the payload, the address and the reply, without secrets.

Everything is redacted as a whole before it is cut, so that no part of a key is left at an end.
"""

from collections.abc import Callable, Mapping, Sequence

from segcli.core.destination import Request
from segcli.core.line import RefusalDetails
from segcli.core.redaction import Redactor
from segcli.core.reply import Reply
from segcli.core.secret import display_url

# The most bytes of a payload and of a reply that a record has.
MAX_PAYLOAD = 16 * 1024
MAX_REPLY = 2 * 1024
# The headers with which vendors, their proxies and their clouds name a request.
REPLY_IDS = (
    *("x-request-id", "request-id", "x-correlation-id", "x-trace-id", "traceparent"),
    *("x-amzn-requestid", "x-amz-request-id", "x-amzn-trace-id", "x-amz-cf-id", "apigw-requestid"),
    *("x-cloud-trace-context", "x-ms-request-id", "x-azure-ref", "cf-ray", "x-served-by"),
    *("x-vercel-id", "fly-request-id", "x-runtime-id", "x-transaction-id"),
)
_MAX_ID = 200


def refusals_of(
    request: Request, reply: Reply, redactor: Redactor
) -> Callable[[Sequence[bytes]], RefusalDetails]:
    """Return the function that describes the refusal of some payloads of the request.

    The reply is redacted once: it may be about thousands of payloads.
    """
    address = redactor.redact(display_url(request.url))
    beginning = shown_body(reply.body, MAX_REPLY, redactor)
    ids = reply_ids(reply.headers, redactor)

    def refusal(payloads: Sequence[bytes]) -> RefusalDetails:
        shown = [shown_body(payload, MAX_PAYLOAD, redactor) for payload in payloads]
        return RefusalDetails(address, shown, beginning, ids)

    return refusal


def shown_body(body: bytes, most: int, redactor: Redactor) -> str:
    """Return a body as text of at most `most` bytes, without secrets; `…` at the end if it is cut.

    Bytes that are not UTF-8 become U+FFFD.
    """
    redacted = redactor.redact_body(body).decode(errors="replace").encode()
    if len(redacted) <= most:
        return redacted.decode()
    return redacted[: most - len("…".encode())].decode(errors="ignore") + "…"


def reply_ids(headers: Mapping[str, str], redactor: Redactor) -> dict[str, str]:
    """Return the headers of a reply that name the request in the vendor's logs."""
    found = {name: headers[name] for name in REPLY_IDS if name in headers}
    return {name: redactor.redact(text)[:_MAX_ID] for name, text in found.items()}
