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
    action: the destination's action that takes it, once it is mapped; "" if there is only one, and
        for a line as a whole that several actions take.
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


SettledState = Literal["delivered", "refused", "rejected", "skipped"]


class ActionFailure(msgspec.Struct, frozen=True):
    """Why one of the actions that take an event did not deliver it.

    action: the name of the action.
    state, reason, status, attempts, code: as in `Result`.
    refusal: what is known about a refusal; it has the payload of this event only.
    """

    action: str
    state: Literal["refused", "rejected"]
    reason: str
    status: int | None = None
    attempts: int = 0
    code: str = ""
    refusal: RefusalDetails | None = None


class Result(msgspec.Struct, frozen=True):
    """The result of settled lines.

    lines: the lines.
    state: the final state of all of them. With several actions: refused if one of them was refused,
        else rejected if one was, else delivered.
    reason: why; empty for delivered lines.
    status: the HTTP status, if a reply decided.
    attempts: how many requests were sent for them.
    code: the code of the reason, such as `SEG201`; "" for one that its state and status tell.
    refusal: what is known about a refusal.
    failures: of a line that several actions take: those that did not deliver it, in their order.
        Then the other fields are those of the first failure that decides the state. For the result
        of one action of several lines: its failure for each line.
    is_answered: whether the vendor has taken or refused a request of a rejected line.
    """

    lines: Sequence[Line]
    state: SettledState
    reason: str = ""
    status: int | None = None
    attempts: int = 0
    code: str = ""
    refusal: RefusalDetails | None = None
    failures: Sequence[ActionFailure] = ()
    is_answered: bool = False
