"""Compares the parts of a request with the templates of a destination file."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from segcli.core.placeholder import OF_SETTINGS, Placeholder, Template
from segcli.core.request_layout import Computed
from segcli.sandbox.json_body import JSON

WRONG, WRONG_KEY = 400, 401


@dataclass(frozen=True, slots=True)
class TemplateMatcher:
    """Compares the parts of a request with templates; methods return 0 or the status of a refusal.

    key: the value that a secret setting must have; other settings may have any value.
    secrets: the names of the secret settings.
    """

    key: str
    secrets: Collection[str]

    def text(
        self, wanted: Template, found: str, allowed: str = ".*", *, encoded: bool = False
    ) -> int:
        """Check a text. The value of a setting must match `allowed`, and may be percent-encoded."""
        match = re.fullmatch(pattern(wanted, allowed), found, re.DOTALL)
        if not match:
            return WRONG
        names = [part.name for part in wanted.parts if isinstance(part, Placeholder)]
        values = [unquote(value) if encoded else value for value in match.groups()]
        is_right = all(
            value == self.key
            for name, value in zip(names, values, strict=True)
            if name.removeprefix(OF_SETTINGS) in self.secrets
        )
        return 0 if is_right else WRONG_KEY

    def value(self, wanted: Any, found: JSON) -> int:
        """Check a JSON value, whose texts are templates. What is of the payload may be anything."""
        if is_of_payload(wanted):
            return 0
        if isinstance(wanted, Template):
            # A template that is only a setting may become a number or a boolean.
            is_text = isinstance(found, str) or (wanted.only and isinstance(found, int | float))
            return self.text(wanted, str(found)) if is_text else WRONG
        if isinstance(wanted, Mapping):
            return self._object(wanted, found)
        if isinstance(wanted, list):
            is_list = isinstance(found, list) and len(found) == len(wanted)
            return max(map(self.value, wanted, found), default=0) if is_list else WRONG
        if isinstance(wanted, Decimal):
            return 0 if isinstance(found, int | float) and float(found) == float(wanted) else WRONG
        return 0 if type(found) is type(wanted) and found == wanted else WRONG

    def _object(self, wanted: Mapping[str, Any], found: JSON) -> int:
        if not isinstance(found, dict) or not found.keys() <= wanted.keys():
            return WRONG
        if not all(is_of_payload(wanted[key]) for key in wanted.keys() - found.keys()):
            return WRONG
        return max((self.value(wanted[key], found[key]) for key in found), default=0)


def is_of_payload(wanted: Any) -> bool:
    """Return whether a value of a body is a value of the payload, which may be absent."""
    if isinstance(wanted, Computed):
        return True
    only = wanted.only if isinstance(wanted, Template) else None
    return only is not None and only.payload_path is not None


def pattern(text: Template, allowed: str = ".*") -> str:
    """Return a regular expression for the results of a template, with a group for each setting."""
    return "".join(
        re.escape(part) if isinstance(part, str) else f"({allowed})" for part in text.parts
    )
