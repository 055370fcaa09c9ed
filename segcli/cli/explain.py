"""The codes of findings for people: `check --explain` and the sections of the guide `findings`."""

from segcli.review.codes import Code


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
        f"How to fix it: {code.fix}",
    ]
