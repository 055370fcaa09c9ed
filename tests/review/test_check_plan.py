"""`segcli check --plan`: sample events compared with plans of every form, in every format."""

import json
import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import hostile
from support.check_reports import READERS, SHOW_EVERY, check_is_valid
from support.fakes import CommandResult
from support.plans import rule, whole
from support.samples import EVERYBODY, NAMES, ROOT, job_for, line_of, lines_of
from support.tables import for_each

from segcli.core.extras import how_to_install
from segcli.core.selection import Selection
from segcli.inputs import inputs
from segcli.parallel import ordered_map
from segcli.plan.plan import Plan
from segcli.plan.reading import read_plan
from segcli.review import coverage
from segcli.review.check_run import CheckRun
from segcli.review.checker import review_inputs
from segcli.review.review import Review
from segcli.runs.plans import read_plans

Segcli = Callable[..., CommandResult]
PLANS = ROOT / "sample_events" / "plans"

# By hand: each sample, its plan, and what differs. E is an event, P a property, V a violation.
SAMPLE_PLANS = {
    "checkout": (
        "shop.typewriter-7.json",
        """
        18 P properties.email is not in the plan for "Order Updated"
        27 V traits.loyalty_tier has an invalid type: expected string, given null on identify
        33 E event "Product Shared" is not in the plan
        37 P traits.gift_wrap is not in the plan for identify
        39 V properties.currency does not match pattern "^(CAD|EUR|USD)$" on "Order Completed"
        39 P properties.gift is not in the plan for "Order Completed"
        44 V properties.restocked is required on "Order Cancelled"
        """,
    ),
    "mobile": (
        "ferry.public-api.json",
        """
        3 P properties.campaign.ad_creative is not in the plan for "Install Attributed"
        3 P properties.campaign.ad_group is not in the plan for "Install Attributed"
        15 V properties.build has an invalid type: expected string, given integer on "Application \
Opened"
        17 V properties.valid_from is required on screen "Commuter Pass"
        18 V traits.createdAt has an invalid type: expected string, given integer on identify
        20 V properties.build has an invalid type: expected string, given integer on "Application \
Updated"
        20 V properties.previous_build has an invalid type: expected string, given integer on \
"Application Updated"
        21 V properties.build has an invalid type: expected string, given integer on "Application \
Opened"
        23 P properties.offline is not in the plan for "Ticket Scanned"
        27 E event "Favourite Added" is not in the plan; did you mean "Favourite added"?
        31 V properties.build has an invalid type: expected string, given integer on "Application \
Opened"
        33 P traits.last_port.name is not in the plan for identify
        34 P properties.coupon is not in the plan for "Ticket Purchased" (version 1)
        35 E event "Push Notification Bounced" is not in the plan
        """,
    ),
    "all_types": (
        "orrery.typewriter-8.json",
        """
        6 P traits.founded is not in the plan for group
        9 V properties.lead_minutes must be a multiple of 15 on "Reminder Created"
        12 P properties.link is not in the plan for "Digest Clicked"
        21 V properties.minutes has an invalid type: expected integer, given number on \
"Observation Logged"
        33 V properties.format must be one of the following: "csv", "pdf" on "Export Requested"
        36 V properties.zoom must be less than or equal to 4 on "Sky Map Opened"
        40 E event "Ping" is not in the plan
        45 V properties.event_name is required on "Reminder Dismissed"
        """,
    ),
    "signup": (
        "planner.csv",
        """
        5 V properties.trial_days is required on "Trial Started"
        16 E event "Onboarding Step Completed" is not in the plan
        17 E event "Onboarding Step Completed" is not in the plan
        23 P properties.email is not in the plan for "Demo Requested"
        25 P properties.role is not in the plan for "Invite Accepted"
        35 V properties.invitee_role does not match pattern "^(admin|editor|viewer)$" on "Invite \
Sent"
        36 V properties.lines[].tax_rate is required on "Invoice Paid"
        36 P properties.lines[].months is not in the plan for "Invoice Paid"
        36 P properties.lines[].unit_price is not in the plan for "Invoice Paid"
        37 V properties.reason has an invalid type: expected string, given null on "Trial Expired"
        38 P properties.revenue is not in the plan for "Subscription Upgraded"
        """,
    ),
}
STATES = {"E": "unplanned-event", "P": "unplanned-property", "V": "plan-violation"}


def expected(name: str) -> list[tuple[int, str]]:
    rows = (row.split(maxsplit=2) for row in SAMPLE_PLANS[name][1].strip().split("\n"))
    return sorted((int(line), f"{STATES[kind]}: {text}") for line, kind, text in rows)


@cache
def plans_of(name: str) -> list[Plan]:
    return read_plans([PLANS / SAMPLE_PLANS[name][0]])


def is_of_plan(text: str) -> bool:
    return text.startswith(tuple(f"{state}: " for state in STATES.values()))


@pytest.fixture
def plan(tmp_path: Path) -> Callable[..., Path]:
    """Write a plan of these rules."""

    def write(*rules: object, name: str = "plan.json") -> Path:
        path = tmp_path / name
        path.write_text(json.dumps({"rules": rules}))
        return path

    return write


@pytest.fixture
def events(tmp_path: Path) -> Callable[..., Path]:
    """Write lines to a file."""

    def write(*lines: bytes) -> Path:
        path = tmp_path / "events.jsonl"
        path.write_bytes(b"".join(line + b"\n" for line in lines))
        return path

    return write


@pytest.mark.parametrize("form", SHOW_EVERY)
@pytest.mark.parametrize("name", SAMPLE_PLANS)
def test_each_plan_difference_is_reported_at_its_line_in_every_format(
    segcli: Segcli, name: str, form: str, samples: Path
) -> None:
    file = samples / f"{name}.jsonl"

    plan = PLANS / SAMPLE_PLANS[name][0]
    said = segcli("check", "--plan", plan, "--every", "--format", form, file)

    found = [one for one in READERS[form](said.out) if one.file == str(file)]
    assert sorted((one.line, one.text) for one in found) == expected(name)
    assert said.code == 1
    check_is_valid(form, said.out)


@for_each("dest", EVERYBODY)
@for_each("name", SAMPLE_PLANS)
def test_destination_does_not_change_plan_findings(
    name: str, dest: str, samples: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is covered is not asked here, and to probe for it takes most of the time.
    monkeypatch.setattr(coverage, "_BYTES_TRIED", 0)
    given = {"mapped": {"webhook_url": "https://hooks.slack.com/x"}}.get(dest, {})
    file = samples / f"{name}.jsonl"

    review = review_inputs(
        CheckRun(
            job=job_for(dest, **given),
            inputs=inputs([str(file)]),
            plans=plans_of(name),
        )
    )

    found = [(one.line, one.text) for one in review.findings if is_of_plan(one.text)]
    assert sorted(found) == expected(name)
    assert review.plan is not None
    assert review.plan.checked == len(lines_of(name))


def test_planned_but_unseen_events_and_properties_are_shown(segcli: Segcli, samples: Path) -> None:
    asked = ("check", "--plan", PLANS / "orrery.typewriter-8.json", samples / "all_types.jsonl")

    said = segcli(*asked)
    document = json.loads(segcli(*asked, "--format", "json").out)

    shown = [line.split() for line in said.out.splitlines() if "planned, in no line" in line]
    assert shown[0][:3] == ['"Reminder', 'Dismissed"', "properties.event_name"]
    assert shown[1][:2] == ['"Telescope', 'Paired"']
    assert document["destination"] is None
    assert document["counts"] == {"checked": 50, "rejected": 0, "skipped": 0}
    assert document["tracking_plan"] == {
        "files": [str(PLANS / "orrery.typewriter-8.json")],
        "checked": 50,
        "planned": 18,
        "unseen": [
            {
                "type": "track",
                "event": "Reminder Dismissed",
                "version": 1,
                "path": "properties.event_name",
            },
            {"type": "track", "event": "Telescope Paired", "version": 1, "path": ""},
        ],
    }
    assert "1 of 18 planned events and 1 planned property in no line" in said.out
    assert '| `"Telescope Paired"` |  |' in segcli(*asked, "--format", "markdown").out


def test_events_as_planned_pass(segcli: Segcli, plan: Any, events: Any) -> None:
    said = segcli("check", "--plan", plan(rule("Tried")), events(line_of(), b"", line_of()))

    assert said.code == 0
    assert said.out.splitlines()[0] == "3 lines: 2 checked, 0 rejected, 1 skipped"
    assert said.out.splitlines()[-1] == "0 errors, 0 warnings"


@pytest.mark.parametrize(
    "dest", [(), ("--dest", "gist"), ("--dest", "segment"), ("--dest", "webhook")]
)
@pytest.mark.parametrize(
    "text", ["1.5", "1.50", "15e-1", "1.5000000000000000000001", f"1.{'0' * 30}"]
)
def test_a_number_is_a_number_however_it_is_written(
    segcli: Segcli, plan: Any, events: Any, dest: tuple[str, ...], text: str
) -> None:
    number = {"type": "number", "maximum": 2}
    path = plan(rule("Tried", whole(price=number, small={"not": number})))
    line = line_of(properties={"price": 7}).replace(b"7", text.encode())
    # Two lines of the same shape, and one that is rejected.
    file = events(line, line, line.replace(b'"u1"', b"1.5e9999999"))

    said = segcli("check", *dest, "--plan", path, "--select", "SEG4", file)
    wrong = segcli("check", *dest, "--plan", path, events(line.replace(b"price", b"small")))

    assert (said.code, "3 checked" in said.out or "3 mapped" in said.out) == (0, True)
    assert "properties.small" in wrong.out
    assert wrong.code == 1


def test_only_plan_and_spec_apply_without_a_destination(
    segcli: Segcli, plan: Any, events: Any, tmp_path: Path
) -> None:
    # No destination would take the first; the second has a doubtful trait, the last is no event.
    odd = line_of(type="identify", traits={"createdAt": "soon"})
    file = events(line_of(timestamp=...), odd, line_of(userId=...), b"{")

    said = segcli("check", "--plan", plan(rule("Tried")), "--rejects", "rejects.jsonl", file)

    assert said.out.splitlines()[:3] == [
        f"{file}:3: SEG203 rejected: userId is required, or anonymousId",
        f"{file}:4: SEG101 rejected: not JSON: it ends too early",
        "4 lines: 2 checked, 2 rejected, 0 skipped",
    ]
    assert len((tmp_path / "rejects.jsonl").read_bytes().splitlines()) == 2


def test_destination_from_the_environment_is_used(
    segcli: Segcli, plan: Any, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGCLI_DEST", "gist")

    said = segcli("check", "--plan", plan(rule("Tried")), events(line_of()))

    assert "1 line: 1 mapped, 0 rejected, 0 skipped" in said.out


def test_selection_options_apply_to_the_plan(segcli: Segcli, plan: Any, events: Any) -> None:
    named = [line_of(event=f"E{number}", integrations={"All": False}) for number in range(5)]
    file, path = events(*named), plan(rule("E1"))

    def found(*more: str) -> list[int]:
        out = segcli("check", "--plan", path, "--format", "json", *more, file).out
        return [one["line"] for one in json.loads(out)["findings"] if "plan" in one["state"]]

    for dest in ((), ("--dest", "gist")):
        assert found(*dest) == [1, 3, 4, 5]
        assert found(*dest, "--event", "E[12]") == [3]
        assert found(*dest, "--where", 'event = "E4"') == [5]
        assert found(*dest, "--type", "page") == []
    assert found("--limit", "2") == [1]
    assert found("--limit", "2", "--dest", "webhook", "--ignore-integrations") == [1]


@pytest.mark.parametrize(
    "more",
    [
        ("--expect", "golden.ndjson"),
        ("--fail-on-uncovered", "properties"),
        ("--coverage", "properties.*"),
        ("--rate", "5/s"),
        ("--set", "endpoint=http://localhost"),
        ("--endpoint", "http://localhost"),
    ],
)
def test_option_that_needs_a_destination_is_refused_without_one(
    segcli: Segcli, plan: Any, events: Any, more: tuple[str, str]
) -> None:
    said = segcli("check", "--plan", plan(rule("Tried")), *more, events(line_of()))

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        f"Error: {more[0]} needs a destination, and --plan alone has none",
        "Add --dest NAME",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, " does not exist"),
        ("", " is not a tracking plan in a known form"),
        ("{}", " is not a tracking plan in a known form"),
        ("{", ":1 cannot be read: not JSON: it ends too early"),
        ('[\n{"key": 1\n"type": 2}]', ":3 cannot be read: not JSON: "),
        ('[\n{"key": NaN}]', ":2 cannot be read: not JSON: "),
        ("[\n<<<<<<< HEAD\n{}\n=======\n", ":2 has a merge conflict"),
        ("[" * 1000, ":1 cannot be read: nested deeper than 400 levels"),
        ("Event Name\n\udcff", " is not UTF-8 text (line 2): save it as UTF-8"),
    ],
)
def test_file_that_is_not_a_plan_is_a_usage_error(
    segcli: Segcli, tmp_path: Path, events: Any, text: str | None, problem: str
) -> None:
    path = tmp_path / "plan.json"
    if text is not None:
        path.write_text(text, errors="surrogateescape")

    said = segcli("check", "--plan", path, events(line_of()))

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"Error: --plan {path}{problem}")
    assert said.err.splitlines()[1].endswith("see segcli guide plan")


def test_plan_option_without_the_extra_says_what_to_install(
    segcli: Segcli, plan: Any, events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segcli.runs.plans.find_spec", lambda _: None)

    said = segcli("check", "--plan", plan(rule("Tried")), events(line_of()))

    assert (said.code, said.out) == (2, "")
    assert said.err == f"Error: --plan needs jsonschema-rs\nType: {how_to_install('plan')}\n"


def test_check_without_a_plan_works_without_the_extra(samples: Path) -> None:
    program = (
        "import sys; sys.modules['jsonschema_rs'] = None; "
        "from segcli.cli import main; main(['check', *sys.argv[1:]])"
    )
    file = samples / "mobile.jsonl"

    done = subprocess.run([sys.executable, "-c", program, file], capture_output=True, check=False)

    assert (done.returncode, done.stderr) == (0, b"")


def test_plan_mistakes_are_listed_first_and_fail(segcli: Segcli, plan: Any, events: Any) -> None:
    path = plan(rule("Tried", whole(hue={"type": "Date"})))

    said = segcli("check", "--plan", path, events(line_of()))

    assert said.code == 1
    assert said.out.splitlines()[0] == (
        f"{path}:1: SEG404 plan-mistake: "
        "/rules/0/jsonSchema/properties/properties/properties/hue/type is "
        "not one of array, boolean, integer, null, number, object, string"
    )


def test_harmless_plan_mistake_is_a_warning(segcli: Segcli, events: Any, tmp_path: Path) -> None:
    path = tmp_path / "plan.csv"
    path.write_text("Event Name,Mood\nTried,good\n")
    asked = ("check", "--plan", path, events(line_of()))

    assert segcli(*asked).code == 0
    assert segcli(*asked, "--strict").code == 1


def test_other_version_is_a_warning_in_valid_json(segcli: Segcli, plan: Any, events: Any) -> None:
    asked = ("check", "--plan", plan(rule("Tried", version=2)), "--format", "json")
    file = events(line_of(context={"protocols": {"event_version": "2"}}))

    said = segcli(*asked, file)

    [found] = json.loads(said.out)["findings"]
    assert (said.code, found["code"], found["level"]) == (0, "SEG406", "warning")
    check_is_valid("json", said.out)
    assert segcli(*asked, "--strict", file).code == 1


def test_plan_file_is_refused_as_an_output(segcli: Segcli, plan: Any, events: Any) -> None:
    path = plan(rule("Tried"))
    before = path.read_text()

    for option in ("--report", "--rejects"):
        said = segcli("check", "--plan", path, option, path, events(line_of()))
        assert said.code == 2
        assert said.err.startswith(f"Error: {option} {path} is also --plan")
    assert path.read_text() == before


def test_several_plan_files_are_merged(segcli: Segcli, plan: Any, events: Any) -> None:
    one, two = plan(rule("Tried")), plan(rule("Bought"), name="two.json")
    file = events(line_of(), line_of(event="Bought"))

    assert segcli("check", "--plan", one, "--plan", two, file).code == 0
    assert segcli("check", "--plan", one, file).code == 1


def review_by(jobs: int, path: Path, plans: list[Plan], dest: str | None, **more: Any) -> Review:
    return review_inputs(
        CheckRun(
            job=job_for(dest) if dest else None,
            inputs=inputs([str(path)]),
            plans=plans,
            jobs=jobs,
            **more,
        )
    )


@pytest.mark.parametrize("dest", [None, "gist", "segment"])
def test_plan_review_is_the_same_with_any_number_of_processes(
    tmp_path: Path, dest: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_map, "_BLOCK", 3000)
    monkeypatch.setattr(ordered_map, "_BLOCK_FOR_WORKERS", 3000)
    # What is covered is not asked here, and every process would probe for it.
    monkeypatch.setattr(coverage, "_BYTES_TRIED", 0)
    path = tmp_path / "many.jsonl"
    lines = [line for name in NAMES for line in lines_of(name) if len(line) < 5000]
    path.write_bytes(b"\n".join(lines))
    plans = read_plans([PLANS / file for file, _ in SAMPLE_PLANS.values()])

    for most, several in ((1000, (2, 3)), (30, (3,)), (0, (2,))):
        one = review_by(1, path, plans, dest, most_findings=most)
        for jobs in several:
            assert review_by(jobs, path, plans, dest, most_findings=most) == one
        assert len(one.findings) == min(most, one.errors + one.warnings)
    assert one.errors > 100
    assert one.plan is not None
    assert one.plan.unseen


def test_limit_applies_to_all_processes_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ordered_map, "_BLOCK_FOR_WORKERS", 300)
    path = tmp_path / "many.jsonl"
    path.write_bytes(b"\n".join([line_of()] * 100))
    plans = [read_plan("p", json.dumps([rule("Tried")]))]

    review = review_by(4, path, plans, None, selection=Selection(limit=7))

    assert review.counts == {"checked": 7, "rejected": 0, "skipped": 93}


# A destination remembers shapes, whether there is a plan or not: 1 KB for each of these.
@pytest.mark.parametrize(
    ("dest", "many", "bound"), [(None, 8000, 1_500_000), ("webhook", 3000, 5_700_000)]
)
def test_many_different_names_use_bounded_memory(
    tmp_path: Path, dest: str | None, many: int, bound: int
) -> None:
    schema = whole(products={"items": {"properties": {"sku": {}}}})
    plans = [read_plan("p", json.dumps([rule("Tried", schema)]))]

    def peak(count: int) -> int:
        path = tmp_path / "many.jsonl"
        lines = (
            line_of(event=f"E{n}" if n % 2 else "Tried", properties={f"p{n}": [1], "q" * 99: n})
            for n in range(count)
        )
        path.write_bytes(b"\n".join(lines))
        tracemalloc.start()
        review = review_by(1, path, plans, dest, most_findings=100)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert review.errors == count // 2 * 3
        return size

    assert peak(many) < peak(1000) + bound


def test_hostile_text_in_plans_and_events_is_escaped(
    segcli: Segcli, events: Any, tmp_path: Path
) -> None:
    bad = hostile.HOSTILE
    path = tmp_path / "plan.json"
    rules = [
        rule(bad, whole(required=(bad,), **{bad: {"enum": [bad]}})),
        rule("Tried", whole(x={"$ref": bad, "pattern": "("})),
        rule(f"{bad}2", whole(**{bad: {"pattern": bad[:40].replace("\x1b[", "")}})),
    ]
    path.write_text(json.dumps({"rules": rules}))
    file = events(
        line_of(event=bad),
        line_of(event=bad, properties={bad: bad, f"{bad}x": 1}),
        line_of(event=f"{bad}3"),
    )
    table = tmp_path / "plan.csv"
    table.write_text(f'Event Name,"{bad}",Type\n"a","b","{bad}"\n', newline="")

    for form in READERS:
        said = segcli("check", "--plan", path, "--plan", table, "--format", form, file)
        assert said.code == 1
        check_is_valid(form, said.out)
        # A terminal is shown JSON with escapes of its own; in a pipe it is data.
        if form != "json":
            assert not {"\x1b", "\x9b", "\u202e", "\u2028"} & set(said.out)
        if form in ("text", "markdown"):
            assert "forged" in said.out
            assert not [line for line in said.out.splitlines() if line.lstrip().startswith("::")]


def test_plan_can_be_read_from_a_pipe(segcli: Segcli, events: Any) -> None:
    read, write = os.pipe()
    os.write(write, json.dumps([rule("Tried")]).encode())
    os.close(write)

    assert segcli("check", "--plan", f"/dev/fd/{read}", events(line_of())).code == 0
    os.close(read)
