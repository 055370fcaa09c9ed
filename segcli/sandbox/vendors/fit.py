"""Whether what came in is what a description makes of some settings and of the sandbox's key.

Each check returns the status that says no: 400 for another text, 401 for another key, 0 for none.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from segcli.core.placeholder import OF_SETTINGS, Hole, Template
from segcli.sandbox.body import JSON

WRONG, WRONG_KEY = 400, 401


@dataclass(frozen=True, slots=True)
class Fit:
    """The key that stands wherever one of the secret settings does; others may be anything."""

    key: str
    secrets: Collection[str]

    def text(self, wanted: Template, found: str, hole: str = ".*", *, encoded: bool = False) -> int:
        """Check a text; a setting fills what the pattern `hole` matches, maybe percent-encoded."""
        match = re.fullmatch(pattern(wanted, hole), found, re.DOTALL)
        if not match:
            return WRONG
        names = [part.name for part in wanted.parts if isinstance(part, Hole)]
        values = [unquote(value) if encoded else value for value in match.groups()]
        is_right = all(
            value == self.key
            for name, value in zip(names, values, strict=True)
            if name.removeprefix(OF_SETTINGS) in self.secrets
        )
        return 0 if is_right else WRONG_KEY

    def value(self, wanted: Any, found: JSON) -> int:
        """Check a JSON value, in which texts are templates."""
        if isinstance(wanted, Template):
            # A setting that is all there is may be a number, or true or false.
            is_whole = len(wanted.parts) == 1 and isinstance(wanted.parts[0], Hole)
            is_text = isinstance(found, str) or (is_whole and isinstance(found, int | float))
            return self.text(wanted, str(found)) if is_text else WRONG
        if isinstance(wanted, Mapping):
            if not isinstance(found, dict) or found.keys() != wanted.keys():
                return WRONG
            return max((self.value(wanted[key], found[key]) for key in wanted), default=0)
        if isinstance(wanted, list):
            if not isinstance(found, list) or len(found) != len(wanted):
                return WRONG
            return max(map(self.value, wanted, found), default=0)
        if isinstance(wanted, Decimal):
            is_number = isinstance(found, int | float)
            return 0 if is_number and float(found) == float(wanted) else WRONG
        return 0 if type(found) is type(wanted) and found == wanted else WRONG


def pattern(text: Template, hole: str = ".*") -> str:
    """Return the regular expression of what a template may become, with a group for each hole."""
    return "".join(re.escape(part) if isinstance(part, str) else f"({hole})" for part in text.parts)
