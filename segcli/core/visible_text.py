"""Escapes text from outside, so that neither a terminal nor a CI system acts on it.

Other people choose names, values, replies and file names. A control character in them may move
the cursor or write to the clipboard; a line that begins with `::` is a command to GitHub Actions.
`segcli/cli/output.py` applies these pure functions to everything that is printed for people.
"""

import re
import shlex

# C0 controls, DEL, C1 controls, marks that change the direction of text, line and paragraph
# separators, invisible marks, and characters that XML or UTF-8 cannot hold.
_INVISIBLE_CLASS = (
    "\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff"
)
_INVISIBLE = re.compile(f"[{_INVISIBLE_CLASS}]")
_INVISIBLE_BUT_BREAKS = re.compile(f"(?!\n)[{_INVISIBLE_CLASS}]")
# Escape sequences that rich writes: colours, and cursor movements of the progress display.
_STYLED = re.compile(f"\x1b\\[[0-9;?]*[A-Za-z]|[\r\n]|[{_INVISIBLE_CLASS}]")
# Azure Pipelines, TeamCity and old GitHub runners look for `##[`, `##vso[` and `##teamcity[`
# anywhere in a line.
_MARK_OF_COMMAND = re.compile(r"##(?=\w*\[)")
# GitHub's runner strips white space before it looks for `::`.
_START_OF_COMMAND = re.compile(r"^((?:[^\S\n]|\x1b\[[0-9;]*m)*):(?=:)", re.MULTILINE)


def visible(text: str) -> str:
    r"""Return text on one line, with an escape such as `\x1b` for each invisible character."""
    return _MARK_OF_COMMAND.sub(r"#\\x23", _INVISIBLE.sub(_escape, text))


def visible_line(text: str) -> str:
    """Return one line, escaped, that is not a command to a CI system."""
    return without_commands(visible(text))


def visible_lines(text: str) -> str:
    """Return lines, escaped except for their line breaks, none of them a command."""
    shown = _INVISIBLE_BUT_BREAKS.sub(_escape, text)
    return without_commands(_MARK_OF_COMMAND.sub(r"#\\x23", shown))


def visible_styled(text: str) -> str:
    """Return text that rich has rendered, escaped except for rich's own style sequences."""
    return _STYLED.sub(lambda match: match[0] if _is_style(match[0]) else _escape(match), text)


def without_commands(text: str) -> str:
    r"""Return lines with `\x3a` for the first colon of each line that begins with `::`."""
    return _START_OF_COMMAND.sub(r"\1\\x3a", text)


def json_escaped(text: str) -> str:
    r"""Return data for a terminal, with a JSON escape such as `\u001b` for invisible characters.

    A byte that is not UTF-8, which `surrogateescape` has decoded, is shown by its value.
    """
    return _INVISIBLE_BUT_BREAKS.sub(_escape_as_json, text)


def visible_json(text: str) -> str:
    """Return a line of JSON, escaped so that neither a terminal nor a CI system acts on it."""
    return _MARK_OF_COMMAND.sub(r"#\\u0023", _INVISIBLE.sub(_escape_as_json, text))


def shell_quoted(word: str) -> str:
    r"""Return a word quoted for a shell, on one line; invisible characters as in `$'\n'`."""
    if visible(word) == word:
        return shlex.quote(word)
    quoted = word.replace("\\", "\\\\").replace("'", "\\'")
    marked = _MARK_OF_COMMAND.sub(r"#\\x23", quoted)
    return f"$'{_INVISIBLE.sub(_escape_for_shell, marked)}'"


def _is_style(found: str) -> bool:
    return len(found) > 1 or found in "\r\n"


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode()


def _escape_as_json(match: re.Match[str]) -> str:
    return f"\\u{_code(match[0]):04x}"


def _escape_for_shell(match: re.Match[str]) -> str:
    code = ord(match[0])
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"


def _code(char: str) -> int:
    """Return the code of a character, or the byte that could not be decoded."""
    code = ord(char)
    return code - 0xDC00 if 0xDC80 <= code <= 0xDCFF else code
