"""`--format json`: one document, described by `segcli/review/check.schema.json`."""

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from segcli.cli.long_list import with_lists
from segcli.review.review import Review
from segcli.runs.output_checks import REPORT_MARKS

MARKS = REPORT_MARKS

_SURROGATE = re.compile("[\ud800-\udfff]")


def formatted(review: Review) -> Iterator[bytes]:
    """Yield the review as one JSON document; an unpaired surrogate becomes its escape as text."""
    text = json.dumps(review.document(), indent=2, ensure_ascii=False)
    inputs = map(_json, review.inputs)
    findings = map(_json, review.described_findings())
    return with_lists(_readable(text) + "\n", {"inputs": inputs, "findings": findings})


def _json(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return _readable(json.dumps(value, ensure_ascii=False))


def _readable(text: str) -> str:
    return _SURROGATE.sub(lambda match: f"\\\\u{ord(match[0]):x}", text)
