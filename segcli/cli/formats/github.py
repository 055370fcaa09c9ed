"""`--format github`: workflow commands, which GitHub Actions shows as annotations of lines.

The escapes are those of GitHub's toolkit: `%`, CR and LF in a message, and also `:` and `,` in a
property. GitHub shows ten annotations of each level for a step, and drops the others.
"""

import re
from itertools import islice

from segcli.cli.formats import hidden_findings, sentences
from segcli.core.visible_text import visible
from segcli.review.codes import Level
from segcli.review.findings import Finding
from segcli.review.review import Review
from segcli.runs.output_checks import FormatMarks

MARKS = FormatMarks(end=re.compile(rb"^::notice title=segcli check::", re.MULTILINE))

_SHOWN = 10


def formatted(review: Review) -> str:
    """Return an annotation for each finding that GitHub shows, and the counts as a notice."""
    said = sentences(review)
    # No more than may be printed.
    shown = [*_shown(review, "error"), *_shown(review, "warning")][: len(review.findings)]
    counts = (said.default, said.counts, said.verdict, hidden_findings(review, shown), said.untried)
    notice = "; ".join(filter(None, (*counts, said.plan, said.advice, said.baseline)))
    lines = [_annotation(finding) for finding in shown]
    return "\n".join([*lines, f"::notice title=segcli check::{_message(notice)}"]) + "\n"


def _shown(review: Review, level: Level) -> list[Finding]:
    """Return the findings of a level that GitHub shows: one of each group first."""
    first = [group.first[0] for group in review.groups if group.level == level]
    others = (one for one in review.findings if one.level == level and one not in first)
    return [*first[:_SHOWN], *islice(others, max(_SHOWN - len(first), 0))]


def _annotation(finding: Finding) -> str:
    place = f"file={_property(finding.file)},line={finding.line}"
    title = _property(f"segcli check: {finding.code} {finding.state}")
    return f"::{finding.level} {place},title={title}::{_message(finding.text)}"


def _message(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
