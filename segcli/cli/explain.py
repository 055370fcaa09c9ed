"""The codes of findings for people: `check --explain`, and the guide `findings`."""

from collections.abc import Iterator

from segcli.review.codes import CODES, FAMILIES, Code

_INTRODUCTION = """\
# Findings

What the findings of `segcli check` mean, and how to mend them.

Every finding has a code. `segcli check --explain SEG203` prints one of the sections below.

- `--select SEG1,SEG203` shows only findings with these codes, or with codes that begin so.
- `--ignore SEG312` leaves findings out: they are not shown and do not fail, rejections \
included. The counts of lines stay true. If a code is selected and ignored, the longer prefix \
decides.
- `--baseline FILE` accepts the findings in a file, see `segcli guide ci`.

A plug-in may give a code of its family to what it rejects and remarks. Without one, \
a rejection is `SEG301` and a remark is `SEG311`.
"""


def explained(code: Code) -> list[str]:
    """Return what a code means, as lines of Markdown."""
    level = "an error" if code.level == "error" else "a warning; with --strict an error"
    return [
        f"### {code.code} {code.name}",
        "",
        f"{code.means} It is {level}; its state is `{code.state}`.",
        "",
        f"Why it matters: {code.matters}",
        "",
        f"How to mend it: {code.mend}",
    ]


def findings_guide() -> str:
    """Return the guide `findings`; a test keeps the file equal to it."""
    return _INTRODUCTION + "".join(_families())


def _families() -> Iterator[str]:
    for prefix, title in FAMILIES.items():
        yield f"\n## {prefix}xx: {title}\n"
        for code in CODES.values():
            if code.code.startswith(prefix):
                yield "\n" + "\n".join(explained(code)) + "\n"
