"""`--format json`: one document, described by `segcli/review/check.schema.json`."""

import json
import re
from collections.abc import Iterator

from segcli.cli.long_list import with_list
from segcli.review.review import Review

_SURROGATE = re.compile("[\ud800-\udfff]")


def formatted(review: Review) -> Iterator[bytes]:
    """Yield the review as one JSON document; an unpaired surrogate becomes its escape as text."""
    text = json.dumps(review.document(), indent=2, ensure_ascii=False)
    inputs = (_readable(json.dumps(title, ensure_ascii=False)) for title in review.inputs)
    return with_list(_readable(text) + "\n", "inputs", inputs)


def _readable(text: str) -> str:
    return _SURROGATE.sub(lambda match: f"\\\\u{ord(match[0]):x}", text)
