r"""The figures of a run in the text format of Prometheus, version 0.0.4.

Labels are codes of segcli and names of the user's destination file, never a text from outside.
Names follow https://prometheus.io/docs/practices/naming/; the format is described at
https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from segcli.accounting.tally import STATES_OF_SEND, Tally

# The upper bounds of the histogram of response times, in seconds.
BOUNDS: Sequence[float] = (
    *(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0),
)
_CODE = re.compile(r"[A-Za-z0-9_]{1,40}")
_RUN_STATES = ("running", "finished", "stopped")

Labels = Mapping[str, str]
_Samples = Sequence[tuple[Labels, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunInfo:
    """What does not change while a run lasts.

    command, destination, version: the labels of `segcli_run_info`.
    started: when it started, in seconds since 1970.
    """

    command: str
    destination: str
    version: str
    started: float


def exposition(
    tally: Tally, run: RunInfo, state: Literal["running", "finished", "stopped"]
) -> Iterator[bytes]:
    """Yield the metrics of a run, line by line.

    Another thread may count at the same time; then the figures may differ by what it counts.
    """
    for metric in (*_run(run, state), *_events(tally), *_requests(tally)):
        for line in metric:
            yield f"{line}\n".encode()


def _run(run: RunInfo, state: str) -> Iterator[Iterator[str]]:
    labels = {"command": run.command, "destination": run.destination, "version": run.version}
    yield _metric("run_info", "gauge", "The run.", [(labels, 1)])
    yield _metric(
        "run_start_time_seconds",
        "gauge",
        "When the run started, in seconds since 1970.",
        [({}, run.started)],
    )
    states = [({"state": name}, float(name == state)) for name in _RUN_STATES]
    yield _metric("run_state", "gauge", "1 for the state that the run is in.", states)


def _events(tally: Tally) -> Iterator[Iterator[str]]:
    yield _counter("events_read", "Lines read.", [({}, tally.read)])
    states = [({"state": name}, float(n)) for name, n in tally.ledger(STATES_OF_SEND).items()]
    yield _counter("events", "Lines by their final state.", states)
    reasons: dict[tuple[str, str], int] = {}
    for (state, code), lines in sorted(dict(tally.codes).items()):
        key = (state, _code(code))
        reasons[key] = reasons.get(key, 0) + lines
    yield _counter(
        "events_by_reason",
        "Lines that were not delivered, by state and code of the reason.",
        [({"state": state, "reason": code}, n) for (state, code), n in reasons.items()],
    )
    actions = sorted(dict(tally.actions).items())
    yield _counter(
        "action_events",
        "Events by the action that took them and their final state there, if there are several.",
        [({"action": action, "state": state}, n) for (action, state), n in actions],
    )
    yield _counter("read_bytes", "Bytes of the lines read.", [({}, tally.bytes_read)])


def _requests(tally: Tally) -> Iterator[Iterator[str]]:
    yield _counter("requests", "Requests sent, retries included.", [({}, tally.requests)])
    yield _metric(
        "requests_in_flight", "gauge", "Requests without an answer yet.", [({}, tally.in_flight)]
    )
    yield _counter("retries", "Requests sent again.", [({}, tally.retries)])
    yield _counter(
        "retries_by_cause",
        "Requests sent again, by the code of the cause.",
        [({"cause": _code(cause)}, n) for cause, n in sorted(dict(tally.retry_causes).items())],
    )
    yield _counter("sent_bytes", "Bytes of the request bodies.", [({}, tally.bytes_sent)])
    yield _histogram(tally)


def _histogram(tally: Tally) -> Iterator[str]:
    """Yield the response times, which are counted in steps of 5 %."""
    name, latencies = "segcli_request_duration_seconds", tally.latencies
    yield f"# HELP {name} Response times of the vendor."
    yield f"# TYPE {name} histogram"
    *within, count = latencies.within((*BOUNDS, float("inf")))
    for bound, answers in zip(BOUNDS, within, strict=True):
        yield _sample(f"{name}_bucket", {"le": _number(bound)}, answers)
    yield _sample(f"{name}_bucket", {"le": "+Inf"}, count)
    yield _sample(f"{name}_sum", {}, latencies.total)
    yield _sample(f"{name}_count", {}, count)


def _counter(name: str, help_: str, samples: _Samples) -> Iterator[str]:
    return _metric(f"{name}_total", "counter", help_, samples)


def _metric(name: str, kind: str, help_: str, samples: _Samples) -> Iterator[str]:
    name = f"segcli_{name}"
    yield f"# HELP {name} {help_}"
    yield f"# TYPE {name} {kind}"
    for labels, value in samples:
        yield _sample(name, labels, value)


def _sample(name: str, labels: Labels, value: float) -> str:
    pairs = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
    return f"{name}{{{pairs}}} {_number(value)}" if pairs else f"{name} {_number(value)}"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _code(text: str) -> str:
    """Return a code; `other` for a text that is none, which a plug-in may give."""
    return text if _CODE.fullmatch(text) else "other"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
