"""The metrics of a run are valid for Prometheus, add up, and have no text from outside."""

import random
import re
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from segcli.accounting.metrics import BOUNDS, RunInfo, exposition
from segcli.accounting.tally import STATES_OF_SEND, Tally

RUN = RunInfo(command="send", destination='ac"me\\\n', version="1.0", started=1796086461.25)
Sampled = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read(tally: Tally) -> Sampled:
    """Return the samples, by name and labels, as Prometheus' own parser reads them."""
    text = b"".join(exposition(tally, RUN, "running")).decode()
    families = list(text_string_to_metric_families(text))
    assert text.startswith("# HELP segcli_")
    for family in families:
        assert family.name.startswith("segcli_")
        assert family.documentation
        assert family.type in {"counter", "gauge", "histogram"}
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_metric_keeps_to_the_conventions() -> None:
    for line in b"".join(exposition(Tally(), RUN, "running")).decode().splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert re.fullmatch(r"segcli_[a-z_]+", name)
            assert (kind == "counter") == name.endswith("_total")


def test_events_are_counted_by_state_and_by_code() -> None:
    tally = Tally(read=12)
    tally.count("delivered", lines=5)
    tally.count("refused", "HTTP 422: secret text 17", lines=2, code="http_422")
    tally.count("rejected", "is required", lines=1, code="SEG201")
    tally.count("rejected", "is wrong", lines=1, code='no "code"\n')
    tally.count("skipped", "page is not for gist", lines=3)
    found = read(tally)

    assert found["segcli_events_read_total", ()] == 12
    states = {state: found["segcli_events_total", (("state", state),)] for state in STATES_OF_SEND}
    assert states == {"delivered": 5, "refused": 2, "rejected": 2, "skipped": 3, "unsent": 0}
    reasons = {
        labels: value for (name, labels), value in found.items() if name.endswith("reason_total")
    }
    assert reasons == {
        (("reason", "http_422"), ("state", "refused")): 2,
        (("reason", "SEG201"), ("state", "rejected")): 1,
        (("reason", "other"), ("state", "rejected")): 1,
        (("reason", "type"), ("state", "skipped")): 3,
    }
    assert b"secret text" not in b"".join(exposition(tally, RUN, "running"))


def test_labels_are_escaped_and_the_state_of_the_run_is_told() -> None:
    found = read(Tally())

    (labels,) = [dict(labels) for name, labels in found if name == "segcli_run_info"]
    assert labels["destination"] == RUN.destination
    assert found["segcli_run_state", (("state", "running"),)] == 1
    assert found["segcli_run_state", (("state", "finished"),)] == 0
    assert found["segcli_run_start_time_seconds", ()] == RUN.started


def test_requests_and_retries_are_counted() -> None:
    tally = Tally(requests=9, retries=3, bytes_sent=12345678901, in_flight=2)
    tally.retry_causes.update({"http_503": 2, "no_reply": 1})
    found = read(tally)

    assert found["segcli_requests_total", ()] == 9
    assert found["segcli_requests_in_flight", ()] == 2
    assert found["segcli_sent_bytes_total", ()] == 12345678901
    assert found["segcli_retries_total", ()] == 3
    assert found["segcli_retries_by_cause_total", (("cause", "http_503"),)] == 2


@given(answers=st.lists(st.floats(1e-7, 1e5, allow_nan=False), max_size=50))
def test_the_histogram_is_cumulative_and_right_within_a_step(answers: list[float]) -> None:
    tally = Tally()
    for seconds in answers:
        tally.latencies.add(seconds)
    found = read(tally)

    buckets = [
        found["segcli_request_duration_seconds_bucket", (("le", f"{bound:g}"),)] for bound in BOUNDS
    ]
    count = found["segcli_request_duration_seconds_count", ()]
    assert buckets == sorted(buckets)
    assert count == found["segcli_request_duration_seconds_bucket", (("le", "+Inf"),)]
    assert count == len(answers)
    assert found["segcli_request_duration_seconds_sum", ()] == pytest.approx(sum(answers))
    for bound, within in zip(BOUNDS, buckets, strict=True):
        assert sum(a <= bound / 1.06 for a in answers) <= within
        assert within <= sum(a <= bound * 1.06 for a in answers)


def test_metrics_can_be_read_while_answers_are_counted() -> None:
    def count(tally: Tally) -> None:
        chance = random.Random(7)
        for _ in range(1_000):
            tally.latencies.add(10 ** chance.uniform(-7, 5))
            tally.count("refused", "no", code=f"code_{chance.randrange(150)}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        # Many times from the beginning, as long as times and codes are new.
        for _ in range(5):
            tally = Tally()
            thread = threading.Thread(target=count, args=(tally,))
            thread.start()
            while thread.is_alive():
                b"".join(exposition(tally, RUN, "running"))
            thread.join()
    finally:
        sys.setswitchinterval(before)

    assert read(tally)["segcli_events_total", (("state", "refused"),)] == 1_000
