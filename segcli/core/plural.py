"""Counts with their nouns, for messages."""


def count_of(number: int, thing: str) -> str:
    """Return a count with its noun: `1 line`, `2 lines`."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"
