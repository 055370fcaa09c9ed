"""A few rejected lines are kept for the page of a run, by reason."""

from segcli.accounting.reject_samples import RejectSamples
from segcli.core.line import Line, Result, TooLong


def rejected(reason: str, *texts: bytes | TooLong) -> Result:
    lines = [Line("events", number, text) for number, text in enumerate(texts, 1)]
    return Result(lines, "rejected", reason)


def test_three_lines_of_a_reason_are_kept() -> None:
    samples = RejectSamples()
    for _ in range(3):
        samples.add(rejected("no type", b"one", b"two"))

    (kept,) = samples.found.values()
    assert [one.text for one in kept] == [b"one", b"two", b"one"]


def test_reasons_beyond_the_limit_are_not_kept() -> None:
    samples = RejectSamples()
    for letter in range(200):
        samples.add(rejected("x" * (letter + 1), b"line"))

    assert len(samples.found) == 50


def test_long_lines_are_cut_and_say_so() -> None:
    samples = RejectSamples()
    samples.add(rejected("too long", TooLong(10**6, b"head"), b"y" * 5000, b"short"))

    (kept,) = samples.found.values()
    assert [(len(one.text), one.is_cut) for one in kept] == [(4, True), (2048, True), (5, False)]
