"""Every sample, mapped for every destination, matches its golden file byte for byte.

`pytest --update-golden` rewrites them; the diff is the review.
"""

import io
from pathlib import Path

from support.samples import EVERYBODY, NAMES, ROOT, SAMPLES, job_for, lines_of
from support.tables import for_each

from segcli.accounting.tally import STATES_OF_TRANSFORM, Tally
from segcli.lines import chunks
from segcli.payloads import Transformation, transform

GOLDEN = ROOT / "tests" / "golden"


def outcomes(destination: str, sample: str) -> tuple[bytes, Tally]:
    """Return what `segcli transform --outcomes` prints, and what it counts."""
    inputs = chunks.inputs([str(SAMPLES / f"{sample}.jsonl")])
    out, tally = io.BytesIO(), Tally()
    job = job_for(destination)
    transform(Transformation(job=job, inputs=inputs, every_line=True), out, tally)
    return out.getvalue(), tally


def golden_file(destination: str, sample: str) -> Path:
    return GOLDEN / destination / f"{sample}.ndjson"


@for_each("sample", NAMES)
@for_each("destination", EVERYBODY)
def test_sample_matches_its_golden_file(destination: str, sample: str, update_golden: bool) -> None:
    file = golden_file(destination, sample)
    found, _ = outcomes(destination, sample)
    if update_golden:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(found)

    assert found.split(b"\n") == file.read_bytes().split(b"\n"), (
        f"pytest --update-golden rewrites {file.relative_to(ROOT)}"
    )


@for_each("sample", NAMES)
@for_each("destination", EVERYBODY)
def test_every_line_of_a_sample_is_mapped_rejected_or_skipped(
    destination: str, sample: str
) -> None:
    found, tally = outcomes(destination, sample)

    assert tally.read == len(lines_of(sample)) == found.count(b"\n")
    assert sum(tally.ledger(STATES_OF_TRANSFORM).values()) == tally.read


def test_golden_folder_has_no_other_files() -> None:
    expected = {golden_file(destination, sample) for destination in EVERYBODY for sample in NAMES}

    assert set(GOLDEN.rglob("*.*")) - set((GOLDEN / "engage").iterdir()) == expected
    assert {file.stem for file in SAMPLES.glob("*.jsonl")} == set(NAMES)
