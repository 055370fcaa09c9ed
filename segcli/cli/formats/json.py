"""`--format json`: one document, described by `segcli/review/check.schema.json`."""

import json
import re

from segcli.review.review import Review

_SURROGATE = re.compile("[\ud800-\udfff]")


def formatted(review: Review) -> str:
    """Return the review as one JSON document; an unpaired surrogate is written out as text."""
    text = json.dumps(review.document(), indent=2, ensure_ascii=False)
    return _SURROGATE.sub(lambda match: f"\\\\u{ord(match[0]):x}", text) + "\n"
