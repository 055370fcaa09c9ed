"""Finds the marks of git in a file whose merge was not completed."""

import re

from segcli.core.line_error import LineError

# A line of = alone may also belong to a text, so it is not looked for.
_MARK = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def merge_conflict(text: str) -> LineError | None:
    """Return the error that a text has a merge conflict; None if it has none."""
    mark = _MARK.search(text)
    if mark is None:
        return None
    return LineError("has a merge conflict", text.count("\n", 0, mark.start()) + 1)
