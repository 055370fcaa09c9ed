"""Parts of regular expressions that are right in every Python that segcli supports."""

from typing import Literal

# A repetition keeps about a hundred bytes for each of its items until it ends. In portions that
# end by themselves, a long text needs no more memory than a short one.
_PORTION = 500


def possessive(item: str, times: Literal["*", "+"] = "*") -> str:
    """Return a pattern of an item repeated, which is never tried with fewer items.

    The time to match it grows with the length of the text, for every text. Possessive
    quantifiers say the same, but up to Python 3.11.4 they take too much behind a group
    (gh-106052): where a further item begins to match and then fails, they may keep its beginning.
    Behind a single character or a set of them, they are right.
    """
    return f"(?>(?:(?>(?:{item}){{1,{_PORTION}}})){times})"
