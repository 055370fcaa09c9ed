"""Repetitions without backtracking are right, linear, and made in one place."""

import ast
import re
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

from support.tables import for_each

from segcli.core.pattern import possessive

ROOT = Path(__file__).parents[2]


@for_each("count", [0, 1, 2, 499, 500, 501, 999, 1000, 1001, 5000])
def test_possessive_repetition_takes_all_items_and_never_gives_one_back(count: int) -> None:
    text = "ab" * count
    any_number, some = possessive("ab?|b"), possessive("ab?|b", "+")

    for behind in ("", "c"):
        assert re.match(any_number, text + behind).end() == len(text)
        assert bool(re.match(some, text + behind)) == bool(count)
    assert not re.match(f"(?:{any_number}|{some})b", text)


@for_each(
    ("item", "text", "end"),
    [
        ("ab?c", "abcab", 3),
        ("ab?c", "a", 0),
        ("a(?!b)", "aab", 1),
        ("a(?=c)", "ab", 0),
        ("%[0-9]{2}|[a-z]+;", "a;%12b", 5),
        ('"(?!"")|[^"]', 'a""""', 1),
    ],
)
def test_beginning_of_a_further_item_is_not_taken(item: str, text: str, end: int) -> None:
    assert re.match(possessive(item), text).end() == end


def test_long_text_needs_no_more_memory_than_a_short_one() -> None:
    pattern, text = re.compile(possessive(r"[^\\]++|\\.")), r"\n" * 1_000_000
    tracemalloc.start()
    try:
        found = pattern.match(text)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert found.end() == len(text)
    # Kept until the end, the items would take 100 MB.
    assert peak < 3_000_000


# --- the only place
#
# Up to Python 3.11.4, a possessive repetition of a group may take the beginning of an item that
# fails (gh-106052), and with a group that captures it raises SystemError in later ones too
# (gh-101955). Those versions are supported: Debian 12 has 3.11.2. A possessive repetition of one
# character or set is right everywhere, and so is an atomic group.

QUANTIFIER = r"(?:[*+?]|\{[0-9,\ue000]*\})\+"
# A value in an f-string, and what stands before a string, may be a group.
MAY_FOLLOW_A_GROUP = re.compile(rf"(?:[)\ue000]\s*|^){QUANTIFIER}")
MAY_HAVE_A_QUANTIFIER = re.compile(r"[*+?}]\+")
# A reference to a group, and what stands for one character.
REFERENCE_OR_CHARACTER = re.compile(r"\\[1-9]|(\\.|\[\^?\]?(?:\\.|[^\]\\])*\])", re.DOTALL)


def repeats_a_group(pattern: str) -> bool:
    """Return whether a pattern, or a part of one, has a possessive repetition of a group."""
    plain = REFERENCE_OR_CHARACTER.sub(lambda one: "x" if one[1] else ")", pattern)
    return MAY_FOLLOW_A_GROUP.search(plain) is not None


class Texts(ast.NodeVisitor):
    """The strings of a module; `\ue000` stands for each value in an f-string."""

    def __init__(self, code: str) -> None:
        self.found: list[str] = []
        self.visit(ast.parse(code))

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, str | bytes):
            self.found.append(_text_of(node))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        self.found.append("".join(map(_text_of, node.values)))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)


def _text_of(part: ast.expr) -> str:
    if not isinstance(part, ast.Constant):
        return "\ue000"
    return part.value.decode("latin-1") if isinstance(part.value, bytes) else str(part.value)


def group_repetitions(code: str) -> list[str]:
    return [text for text in Texts(code).found if repeats_a_group(text)]


def sources() -> Iterator[tuple[str, str]]:
    for folder in ("segcli", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            # To parse all takes seconds.
            if MAY_HAVE_A_QUANTIFIER.search(code := path.read_text()):
                yield str(path.relative_to(ROOT)), code


def test_no_pattern_has_a_possessive_repetition_of_a_group() -> None:
    found = {path: group_repetitions(code) for path, code in sources()}

    # Use `segcli.core.pattern.possessive`, or write the set of characters in place of its name.
    assert {path for path, texts in found.items() if texts} == {"tests/core/test_pattern.py"}
    assert "segcli/core/toml_text.py" in found


def test_rule_holds_for_what_is_used_instead() -> None:
    for times in ("*", "+"):
        assert not repeats_a_group(possessive("a|bc", times))


@for_each(
    "code",
    [
        'r"(?:a|b)*+"',
        'r"(?:a|b)++"',
        'r"(a)?+"',
        'r"(?:ab){2,3}+"',
        'r"(?:ab){2}+"',
        'rb"(?:a|b)*+"',
        'r"(?P<a>b)(?P=a)*+"',
        r'r"(a)\1*+"',
        'r"(?:[^a]|[]b)]) *+"',
        'rf"(?:{A}|b)*+"',
        'rf"{A}*+"',
        'rf"(?:a){{{N}}}+"',
        'r"(?:a" + A + r")*+"',
        'A + "*+"',
        """f"{f(r'(?:a)*+')}" """,
        "def f():\n    return re.compile(r'''(?:a\n)\n *+''', re.VERBOSE)",
    ],
)
def test_rule_finds_every_possessive_repetition_of_a_group(code: str) -> None:
    assert MAY_HAVE_A_QUANTIFIER.search(code)
    assert group_repetitions(code)


@for_each(
    "code",
    [
        'r"a*+"',
        'r"[a-z]++"',
        'r"[()*+,;=]*+"',
        'r"[^)*+]?+"',
        'r"[])*+]{2}+"',
        r'r"\)*+"',
        r'r"\s*+".join(A)',
        r'rf"(?:[\w-]++[ \t]*+){{{N}}}"',
        'r"(?>(?:a|b)*)"',
        'rf"(?:{A})*(?:b)+"',
        'possessive("a|b", "+")',
    ],
)
def test_rule_allows_repetitions_of_one_character(code: str) -> None:
    assert not group_repetitions(code)
