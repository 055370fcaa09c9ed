"""`segcli.parse`, `transform`, `check` and `destination`, as a program uses them."""

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support import acme
from support.fakes import track, write_events
from support.samples import SAMPLES, Run
from support.tables import for_each

import segcli
from segcli.destinations import BUILT_IN


def test_parse_takes_a_line_or_an_object_and_checks_it() -> None:
    for line in (json.dumps(track()).encode(), json.dumps(track()), track()):
        event = segcli.parse(line)
        assert (event.name, event.user) == ("Tested", "u1")
    with pytest.raises(segcli.Rejected, match="type is required"):
        segcli.parse({})


def test_the_payload_of_a_plug_in_is_tested_with_public_names_only() -> None:
    event = segcli.parse(track(properties={"price": 3}))

    payload = acme.ACME.payload(event, acme.Settings(region="us"))

    assert payload.route == "/v1/us"
    with pytest.raises(segcli.Rejected, match=r"properties\.price is text"):
        acme.ACME.payload(segcli.parse(track(properties={"price": "3"})), acme.Settings())
    [outcome] = segcli.transform(
        track(properties={"price": 3}), dest=acme.ACME, settings={"region": "us"}
    )
    assert outcome.route == "/v1/us"
    assert outcome.notes == ("priced",)


@pytest.mark.parametrize("dest", BUILT_IN)
def test_outcomes_are_those_of_the_command(dest: str, run_segcli: Run) -> None:
    sample = SAMPLES / "checkout.jsonl"
    done = run_segcli("transform", "--outcomes", "-d", dest, sample)

    found = [
        {
            "line": one.line,
            "state": one.state,
            **(
                {"route": one.route, "payload": one.payload}
                if one.state == "mapped"
                else {"reason": one.reason}
            ),
        }
        for one in segcli.transform(sample, dest=dest)
    ]

    assert found == [json.loads(line) for line in done.stdout.splitlines()]
    assert found


def test_an_outcome_has_the_action_that_mapped_it(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    actions = [
        {"name": kind, "subscribe": f'type = "{kind}"', "mapping": {"by": kind}}
        for kind in ("track", "page")
    ]
    request = {"url": "https://api.acme.example/v1"}
    file.write_text(json.dumps({"name": "acme", "request": request, "actions": actions}))

    found = list(segcli.transform([track(), track() | {"type": "page"}], dest=file))

    assert [one.payloads for one in found] == [
        (segcli.ActionPayload("track", "/", {"by": "track"}),),
        (segcli.ActionPayload("page", "/", {"by": "page"}),),
    ]
    assert segcli.destination(file).name == "acme"


def test_inputs_are_paths_files_bytes_or_dicts(tmp_path: Path) -> None:
    events = [track(number) for number in range(3)]
    lines = [json.dumps(event).encode() for event in events]
    path = write_events(tmp_path / "events.jsonl", events)
    packed = tmp_path / "events.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))

    def payloads(inputs: Any) -> list[Any]:
        return [one.payload for one in segcli.transform(inputs, dest="webhook")]

    for inputs in (
        str(path), path, [path], packed, io.BytesIO(path.read_bytes()),
        io.BytesIO(packed.read_bytes()), lines, iter(lines), events, (one for one in events),
        [line + b"\r\n" for line in lines], [json.dumps(one, indent=1).encode() for one in events],
    ):  # fmt: skip
        assert payloads(inputs) == events
    with path.open("rb") as file:
        assert payloads(file) == events
        assert not file.closed
    assert payloads([path, packed]) == events * 2


def test_outcomes_name_the_file_and_the_line(tmp_path: Path) -> None:
    path = write_events(tmp_path / "events.jsonl", [track(), b"{", track()])
    found = list(segcli.transform([path, io.BytesIO(b"[]\n")][:1], dest="webhook"))
    assert [(one.file, one.line, one.state, one.code) for one in found] == [
        (str(path), 1, "mapped", ""),
        (str(path), 2, "rejected", "SEG101"),
        (str(path), 3, "mapped", ""),
    ]
    [only] = segcli.transform([b"{"], dest="webhook")
    assert (only.file, only.line) == ("events", 1)


def test_an_iterable_is_read_while_the_outcomes_are() -> None:
    asked = 0

    def endless() -> Iterator[dict[str, Any]]:
        nonlocal asked
        while True:
            asked += 1
            yield track(asked)

    found = segcli.transform(endless(), dest="webhook")
    first = [next(found).payload["messageId"] for _ in range(3)]

    assert first == ["m1", "m2", "m3"]
    assert asked < 10_000


@for_each(
    ("options", "numbers"),
    [
        ({"types": "page"}, [3]),
        ({"types": ["track", "page"]}, [1, 2, 3]),
        ({"events": "Test*"}, [1, 2]),
        ({"users": ["u2"]}, [2]),
        ({"where": "properties.total > 5"}, [2]),
        ({"limit": 1}, [1]),
        ({"limit": 0}, []),
        ({"since": datetime(2026, 2, 4, tzinfo=UTC)}, [2]),
        ({"until": "2026-02-04"}, [1, 3]),
        ({"since": datetime(2026, 2, 4), "ignore_integrations": True}, [2, 4]),
        ({"ignore_integrations": True}, [1, 2, 3, 4]),
    ],
)
def test_every_option_of_the_selection_has_its_name(
    options: dict[str, Any], numbers: list[int]
) -> None:
    late = {"timestamp": "2026-02-05"}
    events = [
        track(1),
        track(2, "u2", properties={"total": 9}, **late),
        track(3) | {"type": "page", "event": "Other"},
        track(4, integrations={"All": False}, **late),
    ]
    found = segcli.transform(events, dest="webhook", settings={"label": "Mine"}, **options)
    assert [one.payload["messageId"] for one in found if one.payload] == [
        f"m{number}" for number in numbers
    ]


@for_each(
    ("inputs", "options", "error", "problem"),
    [
        ([], {}, segcli.InputError, "inputs are empty"),
        ("", {}, segcli.InputError, "a file name is empty"),
        ("-", {}, segcli.InputError, "- is no file"),
        ("no.jsonl", {}, segcli.InputError, "no.jsonl does not exist"),
        (5, {}, segcli.InputError, "inputs cannot be int"),
        (io.StringIO("{}"), {}, segcli.InputError, "a binary file is expected, not a text file"),
        (["a", b"{}"], {}, segcli.InputError, "a path is expected, not bytes"),
        (io.BytesIO(b"a,b\n1,2\n"), {}, segcli.InputError, "CSV"),
        ([{}], {"dest": "gits"}, segcli.UsageError, "there is no destination 'gits'"),
        ([{}], {"dest": ""}, segcli.UsageError, "no destination given"),
        ([{}], {"dest": None}, segcli.UsageError, "no destination given"),
        ([{}], {"dest": "no.toml"}, segcli.DestinationError, "does not exist"),
        ([{}], {"types": "trak"}, segcli.UsageError, "there is no type 'trak'"),
        ([{}], {"types": [5]}, segcli.UsageError, "types: a text is expected, not 5"),
        ([{}], {"where": "a ="}, segcli.UsageError, "where: "),
        ([{}], {"since": "soon"}, segcli.UsageError, "since: 'soon' is not a time"),
        ([{}], {"limit": -1}, segcli.UsageError, "limit must be 0 or more"),
        ([{}], {"settings": {"speed": 1}}, segcli.SettingsError, "settings: gist has no setting"),
        ([{}], {"settings": {"batch": "x"}}, segcli.SettingsError, "batch must be a whole number"),
    ],
)
def test_a_mistake_is_an_error_at_the_call(
    inputs: Any, options: dict[str, Any], error: type[segcli.SegcliError], problem: str
) -> None:
    with pytest.raises(error, match=problem) as raised:
        segcli.transform(inputs, **{"dest": "gist", **options})
    assert raised.value.exit_code == 2
    assert "export " not in raised.value.hint, "the environment is not read"


def test_an_item_that_is_no_event_names_its_place() -> None:
    found = segcli.transform([track(), object()], dest="webhook")
    with pytest.raises(segcli.InputError, match="events:2: object is no event"):
        list(found)
    found = segcli.transform([{"type": {1, 2}}], dest="webhook")
    with pytest.raises(segcli.InputError, match="events:1: "):
        list(found)


def test_check_returns_a_review(tmp_path: Path) -> None:
    good = write_events(tmp_path / "good.jsonl", [track(properties={"email": "a@b.c"})])
    assert segcli.check(good, dest="gist").ok
    review = segcli.check([track(), {"type": "trak"}], dest="webhook", strict=True)
    assert not review.ok
    assert review.counts == {"mapped": 1, "rejected": 1, "skipped": 0}
    assert review.findings[0].line == 2
    assert not segcli.check(iter(()), dest="gist").ok, "a check of nothing does not pass"


def test_check_compares_with_a_golden_file(tmp_path: Path, run_segcli: Run) -> None:
    events = write_events(tmp_path / "events.jsonl", [track()])
    run_segcli("check", "-d", "webhook", "--expect", "golden", "--update", events)
    golden = tmp_path / "golden"

    assert segcli.check(events, dest="webhook", expect=golden).ok
    assert not segcli.check([track(2)], dest="webhook", expect=golden).ok


def test_a_cut_input_raises_where_the_command_exits_with_2_or_3(tmp_path: Path) -> None:
    path = tmp_path / "events.gz"
    packed = gzip.compress(b"".join(json.dumps(track(n)).encode() + b"\n" for n in range(5000)))
    path.write_bytes(packed[:-200])

    with pytest.raises(segcli.Stopped, match="could not be read past this point"):
        list(segcli.transform(path, dest="webhook"))
    with pytest.raises(segcli.InputError, match="nothing is reported"):
        segcli.check(path, dest="webhook")


def test_importing_segcli_imports_almost_nothing() -> None:
    code = (
        "import sys; before = set(sys.modules); import segcli; segcli.__version__\n"
        "print(sorted(set(sys.modules) - before)); segcli.transform\n"
        "heavy = {'asyncio', 'aiohttp', 'httpx', 'click', 'rich', 'ssl', 'urllib.request'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["['segcli']", "[]"]
