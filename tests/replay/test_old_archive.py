"""The table in the guide `replay`: what becomes of an archive of two years ago at ten vendors."""

import json
import re
from collections.abc import Mapping
from pathlib import Path

from support.resuming import Segcli
from support.samples import ROOT, SAMPLES

from segcli import catalog

GUIDE = ROOT / "segcli" / "guides" / "replay.md"
TITLES = ("destination", "said before", "marked", "too old", "skipped", "rejected", "refused")
HEADER = f"| {' | '.join((*TITLES, 'delivered'))} |\n|---|---|{'--:|' * 6}\n"
# Two years after the events of the sample.
NOW = "2028-02-01"
# What these vendors need to know of an account.
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "hubspot": ("events=Order Completed=pe1_order_completed,Product Viewed=pe1_product_viewed",),
    "genesys": ("client_id=c1", "source_id=s1", "configurations=Order Completed=c1"),
}


def row_of(name: str, segcli: Segcli, folder: Path) -> str:
    """Send the archive to the sandbox, and return the row of this destination."""
    report = folder / f"{name}.json"
    given = [word for one in SETTINGS.get(name, ()) for word in ("--set", one)]
    said = segcli(
        *("send", "--dest", name, "--sandbox", "--now", NOW, *given, "--report", report),
        *("--rejects", folder / f"{name}.ndjson", SAMPLES / "checkout.jsonl"),
    )
    document = json.loads(report.read_text())
    ledger = document["ledger"]
    assert sum(ledger.values()) == document["read"] == 44
    notes = [line[6:] for line in said.err.splitlines() if line.startswith("note: ")]
    marked = sum(n for text, n in document["notes"].items() if text.startswith("marked as old"))
    too_old = sum(one["lines"] for one in document["reasons"] if "too old" in one["reason"])
    numbers = (marked, too_old, *(ledger[s] for s in ("skipped", "rejected", "refused")))
    cells = (f"`{name}`", " ".join(notes), *map(str, numbers), str(ledger["delivered"]))
    return f"| {' | '.join(cells)} |\n"


def test_the_guide_has_what_becomes_of_an_archive_of_two_years_ago(
    segcli: Segcli, tmp_path: Path, update_golden: bool
) -> None:
    table = HEADER + "".join(row_of(name, segcli, tmp_path) for name in sorted(catalog.NAMES))
    guide = GUIDE.read_text()

    if update_golden:
        guide = re.sub(r"\| destination \| said before .*?\n(?=\n|\Z)", table, guide, flags=re.S)
        GUIDE.write_text(guide)

    assert table in guide
