"""A line of an input, and the result of lines.

Every line needs one of each, so they are msgspec structs: creating one takes a sixth of the time
of a frozen dataclass.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line over the limit, of which only a part is kept.

    size: its length in bytes, without the line break.
    head: its first bytes.
    """

    size: int
    head: bytes


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line of an input.

    file: the name of the input.
    number: the number of the line, from 1.
    text: the line, without its line break.
    place: the place of the file among the inputs, from 0. In a sync, which has one input, it is
        the number of the change.
    action: the destination's action that maps it, once it is mapped; "" if there is only one.
    """

    file: str
    number: int
    text: bytes | TooLong
    place: int = 0
    action: str = ""

    @property
    def size(self) -> int:
        """The bytes of the line in its input, with the line break."""
        return 1 + (len(self.text) if isinstance(self.text, bytes) else self.text.size)


class RefusalDetails(msgspec.Struct, frozen=True):
    """What helps to understand why a vendor refused lines. Secrets are hidden in all texts.

    address: where the request went, without credentials and query.
    payloads: the payload of each line, in the order of the lines.
    reply: the beginning of the body of the reply.
    reply_ids: the headers with which the vendor names the request in its own logs.
    """

    address: str
    payloads: Sequence[str]
    reply: str = ""
    reply_ids: Mapping[str, str] = {}


class Result(msgspec.Struct, frozen=True):
    """The result of settled lines.

    lines: the lines.
    state: the final state of all of them.
    reason: why; empty for delivered lines.
    status: the HTTP status, if a reply decided.
    attempts: how many requests were sent for them.
    code: the code of the reason, such as `SEG201`; "" for one that its state and status tell.
    refusal: what is known about a refusal.
    """

    lines: Sequence[Line]
    state: Literal["delivered", "refused", "rejected", "skipped"]
    reason: str = ""
    status: int | None = None
    attempts: int = 0
    code: str = ""
    refusal: RefusalDetails | None = None
