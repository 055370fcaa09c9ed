"""read = delivered + refused + rejected + skipped + unsent, with any failures.

The ledger is compared with what was counted without it: the lines that went in, the events that
the sandbox accepted, the records in the rejects file.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from support.fakes import (
    CommandResult,
    closed_port,
    job_to,
    records,
    report_in,
    sending_to,
    track,
    wait_until,
    write_events,
)

from segcli.accounting.tally import STATES_OF_SEND, STATES_OF_TRANSFORM, Tally
from segcli.delivery.pipeline import SendRun, deliver
from segcli.errors import Stopped
from segcli.lines import chunks
from segcli.sandbox import DEFAULT_KEY, Fault, SandboxServer, Script, running

Start = Callable[..., SandboxServer]

EVENTS, POISONED, PAGES, BLANK, BAD = 240, 8, 12, 5, 9


def mixed_lines() -> Iterator[dict[str, Any] | bytes]:
    """Yield lines of every kind, as many as the constants say, well mixed."""
    kinds: list[Callable[[int], dict[str, Any] | bytes]] = []
    kinds += [lambda number: track(number, f"u{number % 20}")] * EVENTS
    kinds += [
        lambda number: track(number, f"u{number % 20}", properties={"x": "POISON"})
    ] * POISONED
    kinds += [lambda number: {**track(number), "type": "page"}] * PAGES
    kinds += [lambda _: b" "] * BLANK
    kinds += [lambda _: b"{]", lambda _: b'"\xff"', lambda _: b"x" * 5_000] * (BAD // 3)
    for number in range(len(kinds)):
        yield kinds[number * 101 % len(kinds)](number)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    tally: Tally
    stopped: Stopped | None
    kept: Counter[str]

    def adds_up(self) -> bool:
        return sum(self.tally.ledger(STATES_OF_SEND).values()) == self.tally.read


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., RunResult]:
    """Deliver the mixed lines to an endpoint, with short waits after a failure."""
    monkeypatch.setattr("segcli.delivery.retry.backoff", lambda _attempt, chance: chance / 50)
    path = write_events(tmp_path / "mixed.jsonl", mixed_lines())

    def run(name: str, endpoint: str, *, key: str = DEFAULT_KEY, **more: Any) -> RunResult:
        tally, stopped, rejects = Tally(), None, tmp_path / "rejects.ndjson"
        # Small batches: with over fifty requests a fault of a fifth of them comes surely.
        batch = {"batch": "5"} if name == "segment" else {}
        job = job_to(name, endpoint, api_key=key, **batch)
        settings = {"job": job, "rejects": rejects}
        try:
            deliver(
                SendRun(inputs=chunks.inputs([str(path)]), max_line=4_000, **(settings | more)),
                tally,
            )
        except Stopped as error:
            stopped = error
        return RunResult(tally, stopped, Counter(record["state"] for record in records(rejects)))

    return run


def accepted_once(at: SandboxServer) -> int:
    return len({got.payload["messageId"] for got in at.app.accepted})


def faults(**shares: float) -> dict[str, Any]:
    chosen = tuple(Fault(kind.removeprefix("_"), share) for kind, share in shares.items())
    return {"faults": chosen, "seed": 11, "retry_after": 0.001}


SURVIVED: Mapping[str, dict[str, Any]] = {
    "nothing": {},
    "poison": {"poison": "POISON"},
    "503": faults(_503=0.1),
    "429": faults(_429=0.1),
    "500": faults(_500=0.1),
    "reset": faults(reset=0.1),
    "timeout": faults(timeout=0.03),
    "slow": {"latency": 0.02},
    "all of it": {
        **faults(_503=0.04, _429=0.04, _500=0.02, reset=0.04, timeout=0.01),
        "poison": "POISON",
    },
}


@pytest.mark.parametrize("name", ["plotline", "segment"])
@pytest.mark.parametrize("script", SURVIVED)
def test_ledger_adds_up_after_a_temporary_fault(
    script: str, name: str, run: Callable[..., RunResult], start_sandbox: Start
) -> None:
    at = start_sandbox(**SURVIVED[script])
    # If no request may stay unanswered, an answer may take any time.
    timeout = 0.5 if script in ("timeout", "all of it") else 30.0
    ended = run(name, at.endpoint(name), timeout=timeout)
    pages = PAGES if name == "plotline" else 0
    refused = POISONED if "poison" in SURVIVED[script] else 0

    assert ended.stopped is None
    assert ended.adds_up()
    assert ended.tally.ledger(STATES_OF_SEND) == {
        "delivered": EVENTS + POISONED + PAGES - pages - refused,
        "refused": refused,
        "rejected": BAD,
        "skipped": BLANK + pages,
        "unsent": 0,
    }
    assert ended.tally.delivered == accepted_once(at)
    assert ended.kept == Counter(rejected=BAD, refused=refused)


@pytest.mark.parametrize("name", ["plotline", "segment"])
@pytest.mark.parametrize("status", ["400", "404", "413", "422", "501"])
def test_ledger_adds_up_if_the_vendor_refuses_at_random(
    status: str, name: str, run: Callable[..., RunResult], start_sandbox: Start
) -> None:
    at = start_sandbox(faults=(Fault(status, 0.6),), seed=2)
    ended = run(name, at.endpoint(name))

    assert ended.stopped is None
    assert ended.adds_up()
    assert ended.tally.delivered == accepted_once(at) == len(at.app.accepted)
    assert ended.tally.refused == ended.kept["refused"] > 0
    assert ended.tally.rejected == ended.kept["rejected"] == BAD


@pytest.mark.parametrize("name", ["plotline", "segment"])
@pytest.mark.parametrize(
    "how",
    [
        {"key": "wrong"},
        {"faults": (Fault("403", 0.2),), "seed": 1},
        {"faults": (Fault("401", 0.2),), "seed": 5},
        {"faults": (Fault("503", 1.0),), "retry_for": 0.2},
        {"faults": (Fault("reset", 1.0),), "retry_for": 0.2},
        {"faults": (Fault("timeout", 1.0),), "retry_for": 0.2, "timeout": 0.1},
        {"faults": (Fault("429", 1.0),), "retry_after": 3600},
        {"rejects": Path("/dev/full")},
    ],
    ids=["a wrong key", "403", "401", "down", "resets", "silent", "a long wait", "a full disk"],
)
def test_the_ledger_adds_up_after_a_fault_that_stops_the_run(
    how: dict[str, Any], name: str, run: Callable[..., RunResult], start_sandbox: Start
) -> None:
    of_run = {name: how[name] for name in ("key", "retry_for", "timeout", "rejects") if name in how}
    at = start_sandbox(**{name: value for name, value in how.items() if name not in of_run})
    ended = run(name, at.endpoint(name), **of_run)

    assert ended.stopped is not None
    assert ended.adds_up()
    assert ended.tally.unsent > 0
    assert ended.tally.refused == 0
    # A batch that was accepted before a reset is not known to be delivered.
    assert ended.tally.delivered <= accepted_once(at)
    if how.get("faults", (None,))[0] != Fault("reset", 1.0):
        assert ended.tally.delivered == accepted_once(at)
    if "rejects" not in of_run:
        assert ended.kept == +Counter(rejected=ended.tally.rejected)


def test_ledger_adds_up_if_no_server_listens(run: Callable[..., RunResult]) -> None:
    ended = run("plotline", f"http://127.0.0.1:{closed_port()}", retry_for=0.2)

    assert isinstance(ended.stopped, Stopped)
    assert ended.adds_up()
    assert (ended.tally.delivered, ended.tally.rejected) == (0, BAD)
    assert ended.tally.unsent == EVENTS + POISONED


def test_ledger_adds_up_if_the_vendor_dies_during_the_run(run: Callable[..., RunResult]) -> None:
    with ExitStack() as stack:
        # Slow enough that it dies long before the last event.
        at = stack.enter_context(running(Script(remember=True, latency=0.02)))

        def die() -> None:
            # Two that are accepted may have no answer yet.
            wait_until(lambda: len(at.app.accepted) >= 52)
            stack.close()

        dying = threading.Thread(target=die)
        dying.start()
        ended = run("plotline", at.endpoint("plotline"), retry_for=0.2, concurrency=2)
        dying.join()

    assert isinstance(ended.stopped, Stopped)
    assert ended.adds_up()
    assert 50 <= ended.tally.delivered <= accepted_once(at) <= ended.tally.delivered + 2
    assert ended.tally.unsent > 0


def test_run_stopped_while_writing_a_reject_counts_that_line(
    segcli: Callable[..., CommandResult], tmp_path: Path
) -> None:
    events = write_events(tmp_path / "events.jsonl", [track(), track(), b"{]"])
    to = sending_to("webhook", f"http://127.0.0.1:{closed_port()}")
    for _ in range(8):
        rejects = tmp_path / "rejects.ndjson"
        rejects.unlink(missing_ok=True)
        segcli(*to, events, "--retry-for", "0s", "--restart", "--rejects", rejects)
        assert len(records(rejects)) == report_in(tmp_path)["ledger"]["rejected"]


# --- the counts


def test_lines_are_counted_by_state_and_by_reason() -> None:
    tally = Tally()
    tally.count("skipped", "blank line", lines=3)
    tally.count("skipped", "blank line")
    tally.count("rejected", "blank line")
    tally.count("delivered")

    assert (tally.skipped, tally.rejected, tally.delivered) == (4, 1, 1)
    assert tally.reasons == {("skipped", "blank line"): 4, ("rejected", "blank line"): 1}


def test_number_of_reasons_is_bounded() -> None:
    tally = Tally()
    for number in range(10_000):
        letters = str(number).translate(str.maketrans("0123456789", "abcdefghij"))
        tally.count("refused", f"HTTP 422: request {letters}")
    tally.count("refused", "HTTP 422: request a")

    assert tally.refused == sum(tally.reasons.values()) == 10_001
    assert len(tally.reasons) == 201
    assert tally.reasons["refused", "HTTP 422: request a"] == 2
    assert tally.reasons["refused", "other reasons"] == 9_800
    assert tally.codes == {("refused", "no_status"): 10_001}


def test_number_of_codes_is_bounded_for_any_plug_in() -> None:
    tally = Tally()
    for number in range(1000):
        tally.count("rejected", "is wrong", code=f"code {number}")

    assert len(tally.codes) == 201
    assert tally.codes["rejected", "other reasons"] == 800


def test_refusals_that_differ_in_numbers_and_ids_have_one_reason() -> None:
    tally = Tally()
    for number in range(60):
        tally.count("refused", f"HTTP 422: invalid total {number} of 'o-{number}'")

    assert tally.reasons == {("refused", "HTTP 422: invalid total N of …"): 60}


def test_ledger_lists_states_in_order() -> None:
    assert list(Tally().ledger(STATES_OF_SEND)) == list(STATES_OF_SEND)
    assert list(Tally().ledger(STATES_OF_TRANSFORM)) == ["mapped", "rejected", "skipped"]
