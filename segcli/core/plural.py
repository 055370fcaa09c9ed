"""Counts with their nouns, for messages."""


def count_of(number: int, thing: str, things: str = "") -> str:
    """Return a count with its noun: `1 line`, `2 lines`; `things` is an irregular plural."""
    return f"{number:,} {thing if number == 1 else things or f'{thing}s'}"
