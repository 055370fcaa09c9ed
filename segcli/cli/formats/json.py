"""`--format json`: one document, described by `segcli/review/check.schema.json`."""

import orjson

from segcli.review.review import Review


def formatted(review: Review) -> str:
    """Return the review as one JSON document."""
    return orjson.dumps(review.document(), option=orjson.OPT_INDENT_2).decode() + "\n"
