"""Reasons without the values of a single event, and reasons as codes.

A vendor may quote the event in its answer: 60 events with an invalid total would have 60 reasons.
Without the values of single events, equal refusals are counted as one. The full text stays in the
record of the rejects file.
"""

import re

# The longest general reason, in characters.
LONGEST = 160
# The marks for a number, and for an id, an e-mail address or a quoted text.
NUMBER, VALUE = "N", "…"

# How the reason of an event that is too old for a vendor begins.
TOO_OLD_FOR = "too old for"

# A status at the beginning says what happened, so it stays.
_STATUS = re.compile(r"(?:HTTP )?[1-5][0-9]{2}(?=:|$|,)")
# Texts in quotes. An apostrophe within a word is not a quote.
_QUOTED = re.compile(r"`[^`]*`|“[^”]*”|«[^»]*»|\\\"(?:[^\"\\]|\\\\)*\\\"|(?<!\w)'[^']*'(?!\w)")
_DOUBLE_QUOTED = re.compile(r'"[^"]*"')
_EMAIL = re.compile(r"[\w.+-]++@[\w-]+(?:\.[\w-]+)*")
# Words, joined where a digit stands on both sides, as in 1,234.5, 10:20:30 and 127.0.0.1.
_WORD = re.compile(r"[\w@+-]+(?:(?<=\d)[.,:](?=\d)[\w@+-]+)*")
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)*")
# The version in the path of an API, such as v1, v2beta and v19.0. An id is often the last part.
_VERSION = re.compile(r"(?<=/)v[0-9]{1,2}(?:\.[0-9])?(?:(?:alpha|beta)[0-9]?)?(?=/)")
_REPEATED = re.compile(r"…(?:[-.…]*…)+")


def general_reason(text: str) -> str:
    """Return a reason with `N` for numbers and `…` for ids, e-mail addresses and quoted texts.

    In an answer that is JSON the double quotes belong to the JSON, so the texts in them stay. The
    first version in a path stays, as in /v1/events: it is a part of the address. At most `LONGEST`
    characters. Applying it twice is the same as applying it once.
    """
    text = text[: 4 * LONGEST]
    while (general := _without_values(text)) != text:
        text = general
    return text


def is_too_old(reason: str) -> bool:
    """Return whether an event is skipped for this reason because of its age."""
    return reason.startswith(TOO_OLD_FOR)


def code_of(state: str, reason: str, status: int | None = None) -> str:
    """Return a short code for a reason, from a small fixed set: never a text from outside.

    `reason` is used for a skipped line only.
    """
    if state == "refused":
        return f"http_{status}" if status else "no_status"
    if state != "skipped":
        return "destination"
    if reason in _SKIPS:
        return _SKIPS[reason]
    if is_too_old(reason):
        return "age"
    if "--" in reason and _BY_OPTION.match(reason):
        return "selection"
    return "type" if _BY_TYPE.match(reason) else "destination"


# The reasons of segcli.core.outcome and segcli.core.selection.
_SKIPS = {
    "blank line": "blank",
    "over --limit": "limit",
    "switched off in integrations": "integrations",
}
_BY_OPTION = re.compile(r"(?:not of|before|not before|without a time for) --")
_BY_TYPE = re.compile(r"(?:alias|group|identify|page|screen|track) is not for ")


def _without_values(text: str) -> str:
    """Apply the rule once. Cutting a text may complete a quoted one, so once may not be enough.

    A step that changes something makes the text shorter or takes digits away, so it ends.
    """
    status = _STATUS.match(text)
    head, rest = (status[0], text[status.end() :]) if status else ("", text)
    rest = _QUOTED.sub(VALUE, rest)
    if not rest.lstrip(" :").startswith(("{", "[")):
        rest = _DOUBLE_QUOTED.sub(VALUE, rest)
    rest = _general_words(_EMAIL.sub(VALUE, rest))
    return _cut(head + _REPEATED.sub(VALUE, rest))


def _general_words(text: str) -> str:
    """Replace the words with digits, except the first version in a path.

    Only the first: further parts that look like versions may be ids.
    """
    version = _VERSION.search(text)
    kept = version.start() if version else -1
    return _WORD.sub(lambda word: word[0] if word.start() == kept else _general_word(word), text)


def _general_word(match: re.Match[str]) -> str:
    word = match[0]
    if not any(map(str.isdigit, word)):
        return word
    return NUMBER if _NUMBER.fullmatch(word) else VALUE


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + VALUE
