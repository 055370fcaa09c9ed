"""`--format github`: workflow commands, which GitHub Actions shows as annotations of lines.

The escapes are those of GitHub's toolkit: `%`, CR and LF in a message, and also `:` and `,` in a
property.
"""

from segcli.cli.formats import sentences
from segcli.cli.visible_text import visible
from segcli.review.findings import Finding
from segcli.review.review import Review


def formatted(review: Review) -> str:
    """Return an annotation for each finding, and the counts as a notice."""
    said = sentences(review)
    parts = (
        said.counts,
        said.verdict,
        said.hidden,
        said.untried,
        said.plan,
        said.advice,
        said.baseline,
    )
    notice = "; ".join(filter(None, parts))
    lines = [_annotation(finding) for finding in review.findings]
    return "\n".join([*lines, f"::notice title=segcli check::{_message(notice)}"]) + "\n"


def _annotation(finding: Finding) -> str:
    place = f"file={_property(finding.file)},line={finding.line}"
    title = _property(f"segcli check: {finding.code} {finding.state}")
    return f"::{finding.level} {place},title={title}::{_message(finding.text)}"


def _message(text: str) -> str:
    return visible(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")
