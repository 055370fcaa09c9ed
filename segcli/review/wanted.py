"""Which findings are wanted: `--select` and `--ignore`."""

from collections.abc import Sequence
from dataclasses import dataclass

from segcli.review.codes import CODES


@dataclass(frozen=True, slots=True)
class Wanted:
    """Decides by code whether a finding counts.

    select: codes, or prefixes of codes, that count; none for all.
    ignore: codes, or prefixes of codes, that do not.

    The longer prefix decides; of two that are equal, `ignore`.
    """

    select: Sequence[str] = ()
    ignore: Sequence[str] = ()

    def takes(self, code: str) -> bool:
        """Return whether findings with this code count."""
        selected = _longest(code, self.select or ("",))
        return selected > _longest(code, self.ignore)


def is_prefix(text: str) -> bool:
    """Return whether a text is a code, or the start of one."""
    return bool(text) and any(code.startswith(text) for code in CODES)


def _longest(code: str, prefixes: Sequence[str]) -> int:
    """Return the length of the longest prefix that a code has; -1 if it has none."""
    return max((len(one) for one in prefixes if code.startswith(one)), default=-1)
