"""Every finding has a code, the table explains each code, and options select by code."""

import ast
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.check_reports import read_text, review_of
from support.fakes import CommandResult
from support.samples import NAMES, ROOT, line_of
from support.tables import for_each
from test_floors import MODULES, nodes_of, room_of

from segcli.cli.explain import explained
from segcli.core.event import Rejected
from segcli.destinations import BUILT_IN
from segcli.review.codes import CODES, FAMILIES, code_of_rejection, code_of_remark
from segcli.review.wanted import Wanted

Segcli = Callable[..., CommandResult]
OWN_REASONS = {"destinations", "destination_file", "field_types", "mapping", "core"}
NO_USER = b'{"type":"track","event":"x"}'
UNZONED = line_of(timestamp="2026-02-03T10:00:00")


def calls_of(name: str) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a function in the package, with its module."""
    for module in MODULES:
        for node in nodes_of(module, ast.Call):
            match node:
                case ast.Call(func=ast.Name(id=called)) if called == name:
                    yield module, node


@pytest.mark.parametrize(("name", "state"), [("Rejected", "rejected"), ("Remark", "warning")])
def test_each_rejection_and_warning_has_a_code_of_its_state(name: str, state: str) -> None:
    found = list(calls_of(name))

    assert found
    for module, call in found:
        if len(call.args) < 3:
            # A destination's own rejections are SEG301, and its remarks SEG311.
            assert room_of(module) in {
                "destinations",
                "destination_file",
                "field_types",
                "mapping",
                "core",
            }
            assert module != "segcli.core.event" or "why" in ast.unparse(call)
        elif isinstance(call.args[2], ast.Constant):
            assert CODES[str(call.args[2].value)].state == state


def test_used_codes_are_exactly_those_in_the_table() -> None:
    used = {
        node.value
        for module in MODULES
        for node in nodes_of(module, ast.Constant)
        if isinstance(node.value, str)
        and len(node.value) == 6
        and node.value.startswith("SEG")
        and node.value[3:].isdigit()
    }

    assert used == CODES.keys()


@for_each("code", CODES)
def test_every_code_has_a_name_and_full_explanation(code: str) -> None:
    one = CODES[code]

    assert one.code[:4] in FAMILIES
    assert one.name
    assert all(text.endswith(".") for text in (one.means, one.matters, one.fix))
    assert len({other.name for other in CODES.values()}) == len(CODES)


def test_findings_guide_matches_the_table(*, update_golden: bool) -> None:
    file = ROOT / "segcli" / "guides" / "findings.md"
    introduction, sections = file.read_text().split("\n## ", 1)
    wanted = "".join(_families())
    if update_golden:
        file.write_text(introduction + wanted)
        return

    assert f"\n## {sections}" == wanted, "pytest --update-golden rewrites it"


def _families() -> Iterator[str]:
    """Yield the sections of the guide, by family."""
    for prefix, title in FAMILIES.items():
        yield f"\n## {prefix}xx: {title}\n"
        for code in CODES.values():
            if code.code.startswith(prefix):
                yield "\n" + "\n".join(explained(code)) + "\n"


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("dest", BUILT_IN)
def test_each_finding_on_a_sample_has_a_code_in_the_table(
    segcli: Segcli, samples: Path, dest: str, sample: str
) -> None:
    out = segcli("check", "-d", dest, "--format", "json", samples / f"{sample}.jsonl").out

    document = json.loads(out)
    for one in document["findings"]:
        group = document["groups"][one["group"]]
        assert CODES[one["code"]].state == one["state"]
        assert (group["code"], group["field"], group["problem"]) == (
            *(one["code"], one["field"], one["problem"]),
        )
    assert sum(one["findings"] for one in document["groups"]) == len(document["findings"])


@pytest.mark.parametrize("typed", ["SEG203", "seg203"])
def test_explain_option_prints_a_code_without_reading_input(segcli: Segcli, typed: str) -> None:
    told = segcli("check", "--explain", typed)

    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("### SEG203 no-user\n")
    assert CODES["SEG203"].fix in told.out


def test_an_unknown_code_is_a_usage_error(segcli: Segcli) -> None:
    told = segcli("check", "--explain", "SEG999")

    assert told.code == 2
    assert told.err.startswith("Error: --explain: no code of a finding begins with 'SEG999'\n")
    assert segcli("check", "--explain", "").code == 2


def test_explain_option_takes_the_start_of_codes(segcli: Segcli) -> None:
    told = segcli("check", "--explain", "seg2")

    titles = [line[4:] for line in told.out.splitlines() if line.startswith("### ")]
    expected = [f"{one.code} {one.name}" for one in CODES.values() if one.code[:4] == "SEG2"]
    assert titles == expected
    assert told.out.count("\n\n### ") == len(expected) - 1 > 2


@pytest.mark.parametrize("typed", ["SEG203,,SEG1", "SEG203,", "", " , "])
def test_empty_code_is_a_usage_error(segcli: Segcli, typed: str) -> None:
    told = segcli("check", "--select", typed)

    assert told.code == 2
    assert f"{typed!r} has an empty code: type each code, with a comma between two." in told.err


@pytest.mark.parametrize("option", ["--select", "--ignore"])
def test_prefix_without_a_code_is_a_usage_error(segcli: Segcli, option: str) -> None:
    told = segcli("check", option, "SEG1,SEG9")

    assert told.code == 2
    assert "no code of a finding begins with 'SEG9'" in told.err


@for_each(
    ("select", "ignore", "taken"),
    [
        ((), (), True),
        (("SEG2",), (), True),
        (("SEG1",), (), False),
        ((), ("SEG",), False),
        (("SEG203",), ("SEG2",), True),
        (("SEG2",), ("SEG203",), False),
        (("SEG203",), ("SEG203",), False),
    ],
)
def test_longer_code_prefix_wins(
    select: tuple[str, ...], ignore: tuple[str, ...], taken: bool
) -> None:
    assert Wanted(select, ignore).takes("SEG203") is taken


def test_ignored_rejection_does_not_fail_but_its_line_is_counted(tmp_path: Path) -> None:
    review = review_of(tmp_path, NO_USER, UNZONED, wanted=Wanted(ignore=("SEG203",)))

    assert review.counts["rejected"] == 1
    assert (review.errors, [one.code for one in review.findings]) == (0, ["SEG212", "SEG311"])


def test_ignored_warning_does_not_hide_another_on_the_same_field(tmp_path: Path) -> None:
    line = line_of(userId="null", messageId=7)

    review = review_of(tmp_path, line, wanted=Wanted(ignore=("SEG216",)))

    assert {one.code for one in review.findings} >= {"SEG218"}
    assert "SEG216" not in {one.code for one in review.findings}


def test_select_and_ignore_with_several_prefixes_combine(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(NO_USER + b"\n[]\n" + UNZONED + b"\n")

    told = segcli("check", "-d", "gist", "--select", "seg1,SEG2", "--ignore", "SEG102", "a.jsonl")

    assert [one.line for one in read_text(told.out)] == [1, 3]
    assert told.code == 1


@pytest.mark.parametrize(
    ("given", "code"), [("", "SEG301"), ("SEG302", "SEG302"), ("SEG212", "SEG301"), ("X", "SEG301")]
)
def test_plug_in_rejection_may_use_a_rejection_code_only(given: str, code: str) -> None:
    assert code_of_rejection(Rejected("f", "is wrong", given)) == code


@pytest.mark.parametrize(
    ("given", "code"), [("", "SEG311"), ("SEG312", "SEG312"), ("SEG203", "SEG311")]
)
def test_plug_in_warning_may_use_a_warning_code_only(given: str, code: str) -> None:
    assert code_of_remark(given) == code


def test_lines_without_an_event_have_different_codes(tmp_path: Path) -> None:
    deep = b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"

    review = review_of(
        tmp_path, b'{"type":"no"}', b"no json", b"1", deep, b"\xff{}", max_line=99_999
    )

    codes = [(one.line, one.code) for one in review.findings]
    assert codes == [(1, "SEG201"), (2, "SEG101"), (3, "SEG102"), (4, "SEG104"), (5, "SEG101")]
