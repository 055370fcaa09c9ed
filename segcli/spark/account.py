"""The account of a send on Spark: every line once, from the state alone."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from segcli.accounting.tally import Tally
from segcli.shared_journal.log import Log
from segcli.shared_journal.log_state import LogState, read_object, read_state
from segcli.shared_journal.store import LogStore
from segcli.spark.bucket_log import claim_now, saved_accounts
from segcli.spark.job_state import SparkRun, StatePlace, done_waves, store_errors

_THREADS = 16


@dataclass(slots=True)
class WaveAccount:
    """Where the lines of a wave are, or of several waves.

    files, lines: how many were read.
    rows: the lines that had to be sent or kept.
    totals: settled lines by state: delivered, refused, rejected.
    reasons: skipped, refused and rejected lines, by state and reason.
    actions: events by the action that took them, and their state.
    problems: why files could not be read to their end.
    """

    files: int = 0
    lines: int = 0
    rows: int = 0
    totals: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    actions: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def unsent(self) -> int:
        """The lines that are not settled yet."""
        return self.rows - sum(self.totals.values())

    def add(self, other: "WaveAccount") -> None:
        """Add the account of another wave."""
        self.files += other.files
        self.lines += other.lines
        self.rows += other.rows
        self.totals.update(other.totals)
        self.reasons.update(other.reasons)
        self.actions.update(other.actions)
        self.problems += other.problems

    def document(self) -> dict[str, Any]:
        """Return the account as values of JSON."""
        return {
            "files": self.files,
            "lines": self.lines,
            "rows": self.rows,
            "totals": dict(self.totals),
            "reasons": [[*key, lines] for key, lines in self.reasons.items()],
            "actions": [[*key, events] for key, events in self.actions.items()],
            "problems": self.problems,
        }

    def tally(self) -> Tally:
        """Return the counts as those of a run."""
        tally = Tally(read=self.lines)
        told: Counter[str] = Counter()
        for (state, reason), lines in self.reasons.items():
            tally.count(state, reason, lines)  # type: ignore[arg-type]  # a state of a Result
            told[state] += lines
        for state, lines in self.totals.items():
            tally.count(state, lines=lines - told[state])  # type: ignore[arg-type]
        tally.count("unsent", lines=self.unsent)
        tally.actions.update(self.actions)  # type: ignore[arg-type]  # as above
        return tally


def account_from(document: Mapping[str, Any]) -> WaveAccount:
    """Return the account of a document."""
    reasons = Counter({(state, reason): n for state, reason, n in document["reasons"]})
    return WaveAccount(
        files=document["files"],
        lines=document["lines"],
        rows=document["rows"],
        totals=Counter(document["totals"]),
        reasons=reasons,
        actions=Counter({(action, state): n for action, state, n in document["actions"]}),
        problems=list(document["problems"]),
    )


def account_of_wave(state: StatePlace, wave: str, buckets: int) -> WaveAccount:
    """Return the account of a wave, from what its tasks have saved. Raises OutputError."""
    found = WaveAccount()
    with store_errors(state):
        for file in saved_accounts(state.files(wave)):
            _add_file(found, file)
        for one in _of_buckets(state, wave, buckets):
            found.add(one)
    return found


def account_of_job(state: StatePlace, run: SparkRun) -> WaveAccount:
    """Return the account of a job, so far as its waves have begun. Raises OutputError."""
    total = WaveAccount()
    waves, buckets = len(run.header["waves"]), run.header["buckets"]
    for number, done in enumerate(done_waves(state, run, waves)):
        total.add(account_from(done) if done else account_of_wave(state, run.wave(number), buckets))
    return total


def kept_records(state: StatePlace, run: SparkRun) -> Iterator[str]:
    """Yield the records of rejected and refused lines, as a rejects file has them."""
    with store_errors(state):
        for wave in range(len(run.header["waves"])):
            for bucket in range(run.header["buckets"]):
                store = state.bucket(run.wave(wave), bucket)
                yield from _kept(store, read_state(store))


def _add_file(found: WaveAccount, one: Mapping[str, Any]) -> None:
    found.files += 1
    found.lines += one["lines"]
    found.rows += one["rows"]
    found.reasons.update({("skipped", reason): n for reason, n in one["skipped"].items()})
    if one["problem"]:
        found.problems.append(one["problem"])


def _of_buckets(state: StatePlace, wave: str, buckets: int) -> Iterable[WaveAccount]:
    """Yield what the log of each bucket says."""

    def of_bucket(bucket: int) -> WaveAccount:
        store = state.bucket(wave, bucket)
        log = read_state(store)
        found = WaveAccount()
        if log.checkpoint:
            found.totals.update(log.checkpoint.totals)
            found.actions.update(log.checkpoint.counts_by_action())
            for record in map(json.loads, _kept(store, log)):
                found.reasons[record["state"], record["reason"]] += 1
        return found

    with ThreadPoolExecutor(_THREADS) as pool:
        yield from pool.map(of_bucket, range(buckets))


def _kept(store: LogStore, log: LogState) -> Iterator[str]:
    for number in log.kept:
        for record in read_object(store, number).records:
            yield from record.get("kept", ())


def fence_job(state: StatePlace, run: SparkRun) -> None:
    """Take over every log of a job that an attempt may still write: it stops with its next put.

    Raises OutputError.
    """
    with store_errors(state):
        for wave in range(len(run.header["waves"])):
            for bucket in range(run.header["buckets"]):
                store = state.bucket(run.wave(wave), bucket)
                found = read_state(store)
                if found.open_claims:
                    log = Log(store, found)
                    log.claim(claim_now(0.0), only_next=False)
                    log.close()
