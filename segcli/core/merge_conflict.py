"""Finds the marks of git in a file whose merge was not completed."""

import re

# A line of = alone may also belong to a text, so it is not looked for.
_MARK = re.compile(r"^(?:<{7}|>{7}) ", re.MULTILINE)


def merge_conflict(text: str) -> str:
    """Return where a text has a merge conflict, as the end of a sentence; empty if it has none."""
    mark = _MARK.search(text)
    if mark is None:
        return ""
    line = text.count("\n", 0, mark.start()) + 1
    return f"has a merge conflict in line {line}"
