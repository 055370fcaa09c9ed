"""The README's picture of the progress display shows what `send` draws on a terminal."""

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console
from support.samples import SAMPLES

from segcli.accounting.tally import Tally, Wait
from segcli.cli import progress, progress_estimate
from segcli.cli.progress_estimate import Goal

PICTURE = SAMPLES / "progress.svg"
TOTAL = 2_400_000_000
MINUTES = 5


def test_readme_picture_matches_the_progress_display(
    monkeypatch: pytest.MonkeyPatch, *, update_golden: bool
) -> None:
    drawn = picture(monkeypatch)
    if update_golden:
        PICTURE.write_text(drawn)
        return

    assert shown_in(drawn) == shown_in(PICTURE.read_text())
    assert any("delivered/s" in text for _, text in shown_in(drawn))


def picture(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the progress of a run after some minutes, with a clock of the test."""
    clock = SimpleNamespace(seconds=0.0)
    for module in (progress, progress_estimate):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.seconds))
    console = Console(
        file=io.StringIO(),
        record=True,
        force_terminal=True,
        color_system="standard",
        width=90,
        get_time=lambda: clock.seconds,
    )
    tally = Tally()
    live = progress._live(tally, Goal(total=TOTAL), console)
    for second in range(MINUTES * 60 + 1):
        clock.seconds = float(second)
        run_until(second, tally)
        frame = live.get_renderable()
    console.print("[bold]$[/] segcli send --dest gist --concurrency 64 events.jsonl")
    console.print(frame)
    return console.export_svg(title="segcli send", unique_id="progress")


def run_until(second: int, tally: Tally) -> None:
    """Set the tally to the state of a run after this many seconds."""
    read = second * 3_600
    tally.read, tally.in_flight = read, 48
    tally.refused, tally.rejected, tally.skipped = second // 20, second * 2, second * 300
    tally.delivered = read - tally.refused - tally.rejected - tally.skipped
    tally.retries = second // 3
    tally.bytes_read = tally.stored_read = second * 4_300_000
    tally.bytes_to_send = tally.bytes_answered = second * 3_900_000
    tally.waiting = Wait("HTTP 503", second + 2.0)


def shown_in(svg: str) -> list[tuple[str, str]]:
    """Return every text of a picture with its style, but not how rich frames them."""
    return re.findall(r'<text class="(progress-r\d+)"[^>]*>([^<]*)</text>', svg)
