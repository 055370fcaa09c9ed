"""Archives of gzip files for the tests of Spark, with everything that goes wrong; no tests here."""

import gzip
import json
import random
from dataclasses import dataclass
from pathlib import Path

from support.samples import NAMES, lines_of

# 1 January and the days after it, in unix seconds, as Segment names its folders.
_FIRST_DAY = 1_767_225_600
_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Archive:
    """A folder of gzip files.

    folder: the folder, as Segment has it: one folder a day.
    cut: a file of it that ends too early; None if all are whole.
    """

    folder: Path
    cut: Path | None


def write_archive(
    top: Path, *, files: int = 12, events: int = 60, is_cut: bool = True, has_samples: bool = True
) -> Archive:
    """Write an archive of some days: in each file all samples, and events of a few users."""
    chance = random.Random(18)
    folder = top / "segment-logs"
    samples = [line for name in NAMES for line in lines_of(name)] if has_samples else []
    cut = None
    for number in range(files):
        day = folder / "source" / str(1000 * (_FIRST_DAY + _DAY * (number // 4)))
        day.mkdir(parents=True, exist_ok=True)
        lines = [
            *samples,
            *event_lines(events, number, chance),
            b"",
            b"{",
            b"\xff\xfe",
            b"x" * 2000,
        ]
        if has_samples:
            chance.shuffle(lines)
        text = b"\n".join(lines) + (b"" if number % 3 else b"\n")
        packed = gzip.compress(text, 1)
        if is_cut and number == files // 2:
            cut = day / f"{number:04}.gz"
            packed = packed[: len(packed) // 2]
        (day / f"{number:04}.gz").write_bytes(packed)
    (folder / "empty.gz").write_bytes(gzip.compress(b""))
    return Archive(folder, cut)


def event_lines(count: int, file: int, chance: random.Random, *, users: int = 20) -> list[bytes]:
    """Return events of a few users; the messageId has the user's name and the place in order."""
    return [
        json.dumps(
            {
                "type": "track",
                "event": "Counted",
                "userId": f"user-{chance.randrange(users)}",
                "messageId": f"m-{file:04}-{number:06}",
                "timestamp": f"2026-01-{1 + file % 28:02}T00:00:00Z",
                "properties": {"number": number, "email": "a@example.com"},
            }
        ).encode()
        for number in range(count)
    ]
