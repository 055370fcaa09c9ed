"""The journal's compact columns behave like a dict, in less memory."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from segcli.inputs import compact_columns
from segcli.inputs.compact_columns import NumberColumn, TextColumn
from segcli.journal.columns import End, JournalFiles, Marks, NameIndex, SettledLines
from segcli.lines.fingerprint import Mark

PLACES = st.integers(0, 30)
TEXTS = st.text(st.characters(exclude_characters="\0"), max_size=8)
NUMBERS = st.integers(-1, 2**61)


@given(st.booleans(), st.lists(st.tuples(PLACES, NUMBERS)))
def test_number_column_returns_the_last_value_set(
    is_large: bool, steps: list[tuple[int, int]]
) -> None:
    column, expected = NumberColumn(is_large=is_large), dict[int, int]()
    for place, number in steps:
        column[place] = expected[place] = number
    assert list(column) == [expected.get(place, -1) for place in range(len(column))]
    assert [column[place] for place in range(-2, 40)] == [
        expected.get(place, -1) for place in range(-2, 40)
    ]


@pytest.mark.parametrize("page", [1, 8, 64 * 1024])
@given(st.lists(st.tuples(PLACES, st.text(st.characters(), max_size=8))))
def test_text_column_returns_the_last_text_set(page: int, steps: list[tuple[int, str]]) -> None:
    column, expected = TextColumn(), dict[int, str]()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compact_columns, "_TEXT_PAGE", page)
        for place, text in steps:
            column[place] = expected[place] = text
        found = [column[place] for place in range(len(column))]
    assert found == [expected.get(place, "") for place in range(len(column))]


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("file"), PLACES, TEXTS, TEXTS),
            st.tuples(st.just("end"), PLACES, st.integers(0, 9), TEXTS),
        )
    )
)
def test_journal_files_return_the_last_name_and_end_set(
    steps: list[tuple[str, int, object, str]],
) -> None:
    files, names, ends = JournalFiles(), dict[int, tuple[str, str]](), dict[int, End]()
    for what, place, value, version in steps:
        if what == "file":
            names[place] = f"/a/{value}/{value}", version
            files.set(place, *names[place])
        else:
            ends[place] = End(int(str(value)), version)
            files.set_end(place, ends[place])
    assert dict(files.items()) == names
    assert dict(files.ends()) == ends
    assert [files.end(place) for place in range(40)] == [ends.get(place) for place in range(40)]
    assert [files.get(place) for place in range(40)] == [
        names.get(place, ("", "")) for place in range(40)
    ]


DIGESTS = st.one_of(TEXTS, st.binary(min_size=16, max_size=16).map(bytes.hex))


@given(st.lists(st.tuples(PLACES, NUMBERS.filter(lambda to: to >= 0), DIGESTS, st.booleans())))
def test_marks_return_the_last_mark_set(steps: list[tuple[int, int, str, bool]]) -> None:
    marks, expected = Marks(), dict[int, Mark]()
    for place, to, digest, is_open in steps:
        marks[place] = expected[place] = Mark(to, digest, is_open)
    assert marks == expected
    assert len(marks) == len(expected)


@given(st.lists(st.tuples(PLACES, st.integers(1, 20), st.integers(0, 5))))
def test_settled_lines_are_exactly_those_added(steps: list[tuple[int, int, int]]) -> None:
    settled, expected = SettledLines(), dict[int, set[int]]()
    for place, first, more in steps:
        lines = set(range(first, first + more + 1))
        known = expected.setdefault(place, set())
        assert settled.add(place, first, first + more) == len(lines - known)
        known |= lines
    assert settled.keys() == expected.keys()
    for place in range(31):
        held = {number for number in range(1, 40) if settled.holds(place, number)}
        assert held == expected.get(place, set())
        for number in range(1, 40):
            assert settled.are_all_to(place, number) == (set(range(1, number + 1)) <= held)


def test_settled_lines_can_be_read_by_another_thread_during_adds() -> None:
    settled = SettledLines()
    lines = range(2, 4_000, 2)
    for number in lines:
        settled.add(0, number, number)
    over = threading.Event()
    missed: list[int] = []

    def ask() -> None:
        while not over.is_set():
            missed.extend(number for number in lines if not settled.holds(0, number))

    thread = threading.Thread(target=ask)
    thread.start()
    for number in range(1, 4_000, 2):
        settled.add(0, number, number)
    over.set()
    thread.join()
    assert missed == []


@given(st.lists(TEXTS, max_size=40), TEXTS)
def test_name_index_finds_the_first_position_of_a_name(names: list[str], other: str) -> None:
    index = NameIndex(len(names), names.__getitem__)
    for name in [*names, other]:
        assert index.find(name) == (names.index(name) if name in names else None)
