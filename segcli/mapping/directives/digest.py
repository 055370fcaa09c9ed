"""Hashes as advertising APIs want them: `@sha256`. segcli's own, not mapping-kit's."""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from segcli.mapping.javascript import (
    UNDEFINED,
    WHITE_SPACE,
    is_javascript_number,
    javascript_number,
)
from segcli.mapping.node import Context, Node

_NO_DIGITS = re.compile("[^0-9]")
_IS_HASH = re.compile("[0-9a-f]{64}")

CLEAN_UPS: Mapping[str, Callable[[str], str]] = {
    "none": lambda text: text,
    "trim": lambda text: text.strip(WHITE_SPACE),
    "lower": lambda text: text.strip(WHITE_SPACE).lower(),
    "digits": lambda text: _NO_DIGITS.sub("", text),
}


def sha256_(options: dict[str, Any], context: Context) -> Node:
    """Compile `@sha256`: the SHA-256 of a text in hexadecimal, after a clean-up.

    A value that is absent, or empty after the clean-up, gives no value: the hash of nothing would
    stand for many people. A text that is such a hash, before or after the clean-up, is not hashed
    again.
    """
    value = context.part(options["value"], "@sha256", "value")
    read = value.run
    clean = CLEAN_UPS.get(str(options.get("clean", "none")).lower(), CLEAN_UPS["none"])

    def run(data: Any) -> Any:
        found = read(data)
        if is_javascript_number(found):
            found = javascript_number(found)
        if not isinstance(found, str):
            return UNDEFINED
        text = found if _IS_HASH.fullmatch(found) else clean(found)
        if _IS_HASH.fullmatch(text):
            return text
        return sha256(text.encode()).hexdigest() if text else UNDEFINED

    return Node(run, value.is_constant)
