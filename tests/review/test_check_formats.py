"""Every format of `segcli check` can be read by its readers, with any text in the input."""

import io
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.check_reports import (
    ONE_REVIEW,
    READERS,
    ReadFinding,
    check_is_valid,
    formatter,
    review_with,
    rows_of,
)
from support.samples import Run, line_of
from support.tables import for_each

from segcli.cli.formats import FORMATS
from segcli.core.visible_text import visible
from segcli.review.coverage import LeftOut
from segcli.review.estimate import RouteEstimate

# What ends a line for somebody, or steers a terminal.
UNSEEN = re.compile("[\0-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029]")
ESCAPED = re.compile(r"\\.")
# Control characters, marks of every format, unpaired surrogates, and line ends of all kinds.
NASTY = st.text(
    st.sampled_from("aé🚪 |`\\*_<>&#$@%:,;=[]{}()\"'~!\t\n\r\0\x1b\x7f\x85\u2028\ufeff\ufffe\ud800")
)


@given(file=NASTY, field=NASTY, problem=NASTY, level=st.sampled_from(["error", "warning"]))
@for_each("form", FORMATS)
def test_every_format_is_valid_with_any_text(
    form: str, file: str, field: str, problem: str, level: str
) -> None:
    review = review_with(file=f"a{file}", field=f"b{field}", problem=f"c{problem}", level=level)

    out = formatter(form)(review)

    out.encode()
    assert form == "json" or not UNSEEN.search(out)
    check_is_valid(form, out)
    (found,) = READERS[form](out)
    assert found.line == 3
    assert found.text.startswith("rejected: b")


@given(path=NASTY, route=NASTY)
@for_each("form", FORMATS)
def test_every_format_is_valid_with_any_path_and_route(form: str, path: str, route: str) -> None:
    review = replace(
        ONE_REVIEW,
        left_out=[of_path(path)],
        routes=[RouteEstimate(route, 2, 2, 20, 12)],
    )

    out = formatter(form)(review)

    out.encode()
    check_is_valid(form, out)
    assert READERS[form](out) == [ReadFinding("a.jsonl", 3, "rejected: f is wrong")]


@given(NASTY)
def test_pipe_or_backtick_stays_in_its_markdown_cell(text: str) -> None:
    review = replace(review_with(file=f"a{text}", problem=f"is {text}."), left_out=[of_path(text)])

    out = formatter("markdown")(review)

    assert [len(row) for row in rows_of(out, "where")] == [4]
    assert [len(row) for row in rows_of(out, "not carried")] == [4]
    assert [len(row) for row in rows_of(out, "route")] == [5]
    # GitHub's own parser takes a backslash as the escape of a backslash, too.
    rows = [ESCAPED.sub("", line) for line in out.split("\n") if line.startswith("|")]
    assert [row.count("|") for row in rows] == [5] * 6 + [6] * 3


@given(NASTY)
@example("``b`")
@example("` ``b``")
@example("\\|")
@example("\\\\||`\\||")
def test_markdown_code_shows_text_unchanged(text: str) -> None:
    out = formatter("markdown")(replace(ONE_REVIEW, left_out=[of_path(f"a{text}")]))

    assert rows_of(out, "not carried")[0][0] == visible(f"a{text}")


def test_markdown_shows_an_empty_path_as_an_empty_cell() -> None:
    out = formatter("markdown")(replace(ONE_REVIEW, left_out=[of_path("")]))

    assert rows_of(out, "not carried")[0][0].strip() == ""


def test_text_format_wraps_no_line_off_a_terminal() -> None:
    out = formatter("text")(replace(ONE_REVIEW, left_out=[of_path("long." * 100)]))

    assert f"{'long.' * 100}  1 event (50%)  not carried by gist\n" in out


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_long_path_or_route_is_wrapped_on_a_terminal_and_not_cut(
    monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setattr("sys.stdout", Terminal())
    monkeypatch.setenv("COLUMNS", str(columns))
    path = "context.consent.categoryPreferences.advertising"
    routes = [RouteEstimate(f"/{'r' * 100}", 2, 2, 20, 12)]

    out = formatter("text")(replace(ONE_REVIEW, left_out=[of_path(path)], routes=routes))

    table, _, rest = out.partition("mapped, 1 rejected")[2].partition("gist would")
    assert "…" not in out
    assert rest
    first_column = [line.split("  ")[0] for line in table.split("\n")]
    assert path in "".join(first_column)
    assert f"/{'r' * 100}" in "".join(first_column)


class Terminal(io.StringIO):
    """An output that somebody looks at."""

    def isatty(self) -> bool:
        return True


@for_each(
    ("events", "tried", "said"),
    [
        (1, 1_000, "<1%"),
        (4, 1_000, "<1%"),
        (6, 1_000, "1%"),
        (990, 1_000, "99%"),
        (999, 1_000, ">99%"),
        (1_000, 1_000, "100%"),
        (10**15 - 1, 10**15, ">99%"),
    ],
)
@for_each("form", ["text", "markdown"])
def test_share_rounds_to_0_or_100_percent_only_if_exact(
    form: str, events: int, tried: int, said: str
) -> None:
    left_out = [LeftOut("a.b", events, events / tried, ("a.jsonl", 1))]

    out = formatter(form)(replace(ONE_REVIEW, left_out=left_out))

    if form == "text":
        assert f"{'1 event' if events == 1 else f'{events:,} events'} ({said})" in out
    else:
        assert rows_of(out, "not carried") == [["a.b", f"{events:,}", said, ""]]


@for_each("form", ["text", "markdown"])
@for_each(
    ("routes", "seconds", "said"),
    [
        ([("/a", 2, 2)], None, "gist would get 2 requests"),
        ([("/a", 1, 1)], 0.04, "gist would get 1 request"),
        ([("/a", 1, 1)], 0.06, "gist would get 1 request, at least 0.1 s"),
        ([("/a", 2, 2), ("/b", 9, 3)], 0.0, "gist would get at least 5 requests"),
        ([("/b", 9, 3)], 90.0, "gist would get at least 3 requests, at least 90.0 s"),
        ([], 0.0, "gist would get 0 requests"),
    ],
)
def test_batched_routes_show_a_minimum_number_of_requests(
    form: str, routes: list[tuple[str, int, int]], seconds: float | None, said: str
) -> None:
    planned = [RouteEstimate(route, events, requests, 9, 9) for route, events, requests in routes]

    out = formatter(form)(replace(ONE_REVIEW, routes=planned, seconds=seconds))

    assert re.search(rf"^{said}\.?$", out, re.MULTILINE)


@pytest.mark.parametrize("text", ["@octocat", ":tada:", "`@octocat` ``:tada:", "a\\|@octocat"])
def test_markdown_values_make_no_mentions_or_emoji(text: str) -> None:
    review = review_with(file=text, field=text, problem=f'from "{text}" to "{text}"')
    out = formatter("markdown")(
        replace(review, left_out=[of_path(text)], routes=[RouteEstimate(text, 2, 2, 20, 12)])
    )

    tokens = MarkdownIt("commonmark").enable("table").parse(out)
    plain = "".join(
        child.content for token in tokens for child in token.children or [] if child.type == "text"
    )

    assert text in rows_of(out, "not carried")[0][0]
    assert "@" not in plain
    assert ":tada:" not in plain


def of_path(path: str) -> LeftOut:
    return LeftOut(path, 1, 0.5, ("a.jsonl", 1))


@for_each(
    "text", ["a|b", "``a`", "a`b``c", "*a*", "<b>", "&lt;", "a_b_c", "[a](b)", "#1", "$x$", "\\|"]
)
def test_markdown_shows_text_unchanged(text: str) -> None:
    out = formatter("markdown")(review_with(file="a|`b`.jsonl", problem=f"is {text}."))

    assert rows_of(out, "where") == [["a|`b`.jsonl:3", "SEG301", "rejected", f"f is {text}."]]


def test_github_annotations_use_github_escapes() -> None:
    review = review_with(file="a,b:c%\n.jsonl", problem="is 100 %: a, b\r\nc")

    first = formatter("github")(review).split("\n")[0]

    assert first == (
        "::error file=a%2Cb%3Ac%25%0A.jsonl,line=3,title=segcli check%3A SEG301 rejected"
        "::rejected: f is 100 %25: a, b%0D%0Ac"
    )


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_is_valid_with_a_file_name_that_is_not_utf8(
    run_segcli: Run, tmp_path: Path, form: str
) -> None:
    name = os.fsdecode(b"a,b:c%\n|`\x1b\xff.jsonl")
    (tmp_path / name).write_bytes(b"nothing\n[]\n")
    (tmp_path / "other.jsonl").write_bytes(line_of())

    done = run_segcli("check", "--format", form, name, "other.jsonl")

    assert (done.returncode, done.stderr) == (1, b"")
    check_is_valid(form, done.stdout.decode())
    texts = [one.text.partition(":")[0] for one in READERS[form](done.stdout.decode())]
    assert texts == ["rejected", "rejected", "rejected"]


def test_golden_file_can_name_an_input_that_is_not_utf8(run_segcli: Run, tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.jsonl")
    for file in (name, "other.jsonl"):
        (tmp_path / file).write_bytes(line_of(timestamp="2026-02-03"))
    command = ["check", "--expect", "golden.ndjson", name, "other.jsonl"]

    assert run_segcli(*command, "--update").returncode == 0
    assert run_segcli(*command).returncode == 0


@pytest.mark.parametrize("form", FORMATS)
def test_output_is_utf8_in_any_locale(run_segcli: Run, tmp_path: Path, form: str) -> None:
    (tmp_path / "größe.jsonl").write_bytes(b"nothing")

    done = run_segcli("check", "--format", form, "größe.jsonl", env={"PYTHONIOENCODING": "latin-1"})

    assert "größe.jsonl" in done.stdout.decode()


@pytest.mark.parametrize("form", ["text", "github", "markdown"])
def test_every_format_counts_what_it_does_not_show(form: str) -> None:
    review = replace(ONE_REVIEW, errors=1, warnings=1_234, untried=1)

    out = formatter(form)(review)

    assert "1 error, 1,234 warnings" in out
    assert "1,234 more findings not shown" in out
    assert "1 event not searched for fields that are not carried" in out


@for_each("form", FORMATS)
def test_an_earlier_file_of_the_same_format_is_known_and_no_other_is(
    form: str, run_segcli: Run, tmp_path: Path
) -> None:
    path = tmp_path / f"report-{form}"
    (tmp_path / "events.jsonl").write_bytes(line_of() + b"\n{}\n")
    check = ("check", "-d", "webhook", "--quiet", "--output", f"{form}={path}")
    assert run_segcli(*check, "events.jsonl").returncode == 1
    assert run_segcli(*check, "events.jsonl").returncode == 1

    path.write_text("a letter\n")
    assert run_segcli(*check, "events.jsonl").returncode == 2
    assert path.read_text() == "a letter\n"
