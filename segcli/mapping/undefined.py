"""What is absent, as mapping-kit has it: JavaScript's `undefined`, which is not null."""

from typing import Final, final


@final
class Undefined:
    """The type of `UNDEFINED`; like JavaScript's value it counts as false."""

    __slots__ = ()

    def __bool__(self) -> bool:
        return False

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()
