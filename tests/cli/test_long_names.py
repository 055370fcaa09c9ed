"""A name that the system refuses is a mistake of the user, for every option that takes a path."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.fakes import CommandResult
from support.samples import SAMPLES

Segcli = Callable[..., CommandResult]
SAMPLE = SAMPLES / "checkout.jsonl"
NAME = "x" * 5000
REHEARSAL = ("send", "--dest", "pointillist", "--sandbox")
SYNC = ("engage", "audience", "A", str(SAMPLE), "--dest", "gist", "--sandbox")
COMMANDS = [
    ("transform", NAME),
    ("transform", "--dest", NAME, SAMPLE),
    ("transform", "--config", NAME, SAMPLE),
    ("transform", "--log-file", NAME, SAMPLE),
    *(("check", option, NAME, SAMPLE) for option in ("--expect", "--baseline", "--plan")),
    ("check", "--report", NAME, SAMPLE),
    ("check", "--baseline", NAME, "--update-baseline", SAMPLE),
    *((*REHEARSAL, option, NAME, SAMPLE) for option in ("--journal", "--rejects", "--report")),
    *((*REHEARSAL, option, NAME, SAMPLE) for option in ("--keep", "--log-file", "--metrics")),
    ("send", "--dest", "gist", "--api-key-file", NAME, SAMPLE),
    ("capture", "--output", NAME, "--", "true"),
    (*SYNC, "--state", NAME),
    ("engage", "status", "--state", NAME),
    ("engage", "audience", "A", NAME, "--dest", "gist", "--sandbox"),
    ("journals", "--remove", NAME),
    ("sandbox", "--keep", f"{NAME}/{NAME}", "--port", "0"),
]
IDS = [" ".join(str(word)[:12] for word in words if word != SAMPLE) for words in COMMANDS]


@pytest.mark.parametrize("words", COMMANDS, ids=IDS)
def test_a_name_that_is_too_long_is_no_bug(words: tuple[str | Path, ...], segcli: Segcli) -> None:
    said = segcli(*words)

    assert said.code in {0, 2, 3}
    assert "Traceback" not in said.err
