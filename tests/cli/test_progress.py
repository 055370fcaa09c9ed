"""The progress of a run: a display on a terminal, plain lines off it, always correct."""

import io
import re
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from support.fakes import tracks, wait_until, write_events
from support.terminals import Terminal, on_a_terminal, seen

from segcli.accounting.tally import Tally, Wait
from segcli.cli import progress
from segcli.cli.progress import _live, plain_line, watching
from segcli.cli.progress_estimate import Goal


def tally_of(**more: object) -> Tally:
    figures = {"read": 1_234, "delivered": 1_000, "refused": 2, "skipped": 30, "in_flight": 4}
    figures |= {"retries": 5, "bytes_read": 600, "stored_read": 600}
    figures |= {"bytes_to_send": 540, "bytes_answered": 450}
    return Tally(**(figures | more))  # type: ignore[arg-type]


def goal_of(total: int | None = 1_000, **more: int) -> Goal:
    return Goal(total=total, **more)


def drawn(tally: Tally, goal: Goal, *, width: int = 100) -> str:
    """Return the display as a terminal of this many columns receives it."""
    console = Console(file=io.StringIO(), force_terminal=True, color_system="standard", width=width)
    now = progress.time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        # No time passes while it is drawn.
        patch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: now))
        console.print(_live(tally, goal, console).get_renderable())
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


# --- the plain line


def test_plain_line_shows_share_time_counts_and_rate() -> None:
    assert plain_line(tally_of(), goal_of(), rate=321.4, left=62.9) == (
        "50% done, 0:01:02 left; 1,234 read: 1,000 delivered, 2 refused, 30 skipped; "
        "321 delivered/s; 4 in flight"
    )


def test_plain_line_without_an_input_size_has_no_share() -> None:
    assert plain_line(tally_of(), goal_of(None), rate=0).startswith("1,234 read: 1,000 delivered")


def test_plain_line_with_a_limit_shows_the_share_of_the_limit() -> None:
    line = plain_line(tally_of(), goal_of(None, limit=4_000, earlier=1_000), rate=0)

    assert line.startswith("50% done (2,002/4,000 events); 1,234 read: ")


def test_plain_line_at_the_start_says_nothing_settled_yet() -> None:
    assert plain_line(Tally(), goal_of(), rate=0) == (
        "0% done; 0 read: nothing settled yet; 0 delivered/s; 0 in flight"
    )


def test_wait_is_shown_with_its_reason_and_next_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    waiting = Wait("HTTP 503", 1008.4)

    tally = tally_of(waiting=waiting)

    assert plain_line(tally, goal_of(), rate=0).endswith("; HTTP 503, next try in 8 s")
    assert "HTTP 503, next try in 8 s" in seen(drawn(tally, goal_of()))


def test_a_wait_of_less_than_a_second_is_not_shown_as_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    line = plain_line(tally_of(waiting=Wait("HTTP 429", 1000.2)), goal_of(), rate=0)

    assert line.endswith("; HTTP 429, next try in 1 s")


@pytest.mark.parametrize(("requests", "what"), [(1, "1 answer;"), (2, "2 answers;")])
def test_a_stop_counts_the_answers_that_it_waits_for(requests: int, what: str) -> None:
    line = plain_line(tally_of(stopping=True, in_flight=requests), goal_of(), rate=0)

    assert line.endswith(f"stopping: waiting up to 10 s for {what} Ctrl-C stops at once")


def test_finished_wait_is_not_shown() -> None:
    waiting = Wait("HTTP 503", time.monotonic() - 0.1)

    assert "503" not in plain_line(tally_of(waiting=waiting), goal_of(), rate=0)
    assert "503" not in drawn(tally_of(waiting=waiting), goal_of())


# --- the picture


def test_display_has_a_bar_five_counts_and_the_rate() -> None:
    first, second, third = seen(drawn(tally_of(), goal_of())).splitlines()[:3]

    assert re.fullmatch(r"sending [━╺]+ 50% 0:00:00, -:--:-- left *", first)
    assert second.split() == (
        ["1,000", "delivered", "2", "refused", "0", "rejected", "30", "skipped", "0", "unsent"]
    )
    assert third.strip().endswith("delivered/s   4 in flight   5 retries")


def test_bar_length_matches_the_share() -> None:
    def filled(answered: int) -> int:
        tally = tally_of(stored_read=1_000, bytes_to_send=800, bytes_answered=answered)
        # In any colour: rich keeps the codes of the first terminal that it has drawn on.
        bar = re.search(r"\x1b\[[0-9;]+m(━+)", drawn(tally, goal_of()))
        return len(bar[1]) if bar else 0

    # Of 40 columns.
    assert [filled(answered) for answered in (200, 400, 600)] == [10, 20, 30]


def test_display_with_a_limit_shows_the_share_of_the_limit() -> None:
    text = seen(drawn(tally_of(), goal_of(None, limit=2_004)))

    assert re.search(r"━ +50% 0:00:00, -:--:-- left 1,002/2,004 events", text)


@pytest.mark.parametrize("width", [40, 60, 100])
def test_display_fits_the_terminal_width(width: int) -> None:
    tally = tally_of(waiting=Wait("HTTP 503: " + "busy " * 20, time.monotonic() + 60))
    lines = seen(drawn(tally, goal_of(limit=2_000_000), width=width)).splitlines()

    assert max(len(line.rstrip()) for line in lines) <= width
    assert any(re.search(r"\b0 unsent", line) for line in lines)
    assert all(word in " ".join(lines) for word in ("delivered", "unsent", "flight", "retries"))


def test_display_without_a_size_has_a_pulsing_bar_and_no_share() -> None:
    text = seen(drawn(tally_of(), goal_of(None)))

    assert "%" not in text
    assert "━" * 40 in text


def test_counts_are_coloured_and_zeros_are_dim() -> None:
    text = drawn(tally_of(), goal_of())

    assert "\x1b[32m1,000 " in text
    assert "\x1b[31m2 " in text
    assert "\x1b[2m0 " in text


# --- watching


def stderr_of(monkeypatch: pytest.MonkeyPatch, *, terminal: bool = False) -> io.StringIO:
    """Replace stderr for the rest of the test."""
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    monkeypatch.setenv("TERM", "xterm")
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    return stream


def test_plain_lines_are_printed_at_intervals_off_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stderr = stderr_of(monkeypatch)
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    with watching(tally_of(), goal=goal_of()):
        wait_until(lambda: stderr.getvalue().count("\n") >= 3)

    assert all(line.startswith("50% done; ") for line in stderr.getvalue().splitlines())
    assert "\x1b" not in stderr.getvalue()


def test_forced_colours_draw_no_display_off_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = stderr_of(monkeypatch)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr(progress, "PLAIN_EVERY", 0.01)
    with watching(tally_of(), goal=goal_of()):
        wait_until(lambda: "in flight" in stderr.getvalue())

    assert "\x1b[?25l" not in stderr.getvalue()
    assert "━" not in stderr.getvalue()


def test_short_run_prints_no_plain_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = stderr_of(monkeypatch)
    with watching(tally_of(), goal=goal_of()):
        pass

    assert stderr.getvalue() == ""


def test_quiet_run_starts_no_progress_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = stderr_of(monkeypatch, terminal=True)
    with watching(tally_of(), goal=goal_of(), quiet=True):
        threads = [thread.name for thread in threading.enumerate()]

    assert stderr.getvalue() == ""
    assert threads.count("segcli-progress") == 0


def test_failed_run_restores_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = stderr_of(monkeypatch, terminal=True)
    with pytest.raises(RuntimeError, match="a bug"), watching(tally_of(), goal=goal_of()):
        raise RuntimeError("a bug")

    hidden, shown = stderr.getvalue().count("\x1b[?25l"), stderr.getvalue().count("\x1b[?25h")
    assert hidden == shown == 1


def test_no_color_variable_disables_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = stderr_of(monkeypatch, terminal=True)
    monkeypatch.setenv("NO_COLOR", "1")
    with watching(tally_of(), goal=goal_of()):
        wait_until(lambda: "in flight" in stderr.getvalue())

    assert "━" in stderr.getvalue()
    assert re.search(r"\x1b\[[0-9;]*[39]\dm", stderr.getvalue()) is None


# --- a real terminal


def test_send_on_a_terminal_shows_progress_and_then_the_summary(
    tmp_path: Path, clean_environment: dict[str, str]
) -> None:
    events = write_events(tmp_path / "events.jsonl", tracks(40, users=4))
    words = ["send", "-d", "gist", "--sandbox", "--latency", "60ms", "--concurrency", "2"]
    shown = on_a_terminal(
        [sys.executable, "-m", "segcli", *words, str(events)],
        tmp_path,
        clean_environment | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
    )
    text = seen(shown)

    assert "nothing leaves this machine" in text
    assert re.search(r"sending ━+", text)
    assert re.search(r"[1-9]\d* delivered   0 refused   0 rejected   0 skipped   0 unsent", text)
    assert re.search(r"[1-9]\d* delivered/s   [12] in flight   0 retries", text)
    assert "\x1b[?25l" in shown

    closing = text[text.rindex("in flight") :]
    assert re.search(r"40\s+read\s+40\s+delivered\s+0\s+refused", closing)
    assert "Nothing left this machine" in closing
    assert "sending" not in closing
    assert shown.rindex("\x1b[?25h") > shown.rindex("\x1b[?25l")
