"""Files that follow each other share a task; jobs and errors reach other machines whole."""

import gzip
import json
import pickle
from pathlib import Path

import pytest
from support.samples import KEY
from support.tables import for_each

from segcli.core.secret import Secret
from segcli.core.settings import Given, Origin, Place
from segcli.destination_source import find_source
from segcli.errors import InputError, SettingsError, Stopped, UsageError
from segcli.inputs import Input
from segcli.inputs.same_files import check_same
from segcli.job_spec import JobSpec, SelectionSpec
from segcli.lines.read import FileEnd, NumberedBlock, read_files
from segcli.spark.cluster_job import cluster_job
from segcli.spark.manifest import decoded_task, encoded_task, files_by_task, job_files, waves
from segcli.spark.shipped_job import mapping_job, shipped_without_keys
from segcli.spark.task_error import TaskError, run_error

MB = 1 << 20
DAY = 86_400


def files(*sizes: int, name: str = "{}.gz", days: int = 0) -> list[Input]:
    return [
        Input(name.format(number), size, number, day=number // days * DAY if days else None)
        for number, size in enumerate(sizes)
    ]


def sizes_of(tasks: list[list[Input]]) -> list[int]:
    return [sum(entry.size or 0 for entry in task) // MB for task in tasks]


# What the files are, their sizes in megabytes, the slots, and the sizes of the tasks.
PACKINGS = (
    ("many small files", "{}.gz", [1] * 600, 2, [75] * 8),
    ("fewer", "{}.gz", [1] * 300, 2, [64] * 4 + [44]),
    ("a small job has a task for each slot", "{}.gz", [1] * 40, 4, [10, 10, 10, 10]),
    ("the smallest tasks", "{}.gz", [1] * 20, 16, [8, 8, 4]),
    ("large files", "{}.gz", [200] * 40, 2, [200] * 40),
    ("a file is never divided", "{}.gz", [900, 1], 2, [900, 1]),
    ("plain lines count an eighth", "{}.jsonl", [8] * 20, 2, [80, 80]),
    ("Zstandard counts as gzip does", "{}.zst", [1] * 40, 4, [10, 10, 10, 10]),
    ("nothing", "{}.gz", [], 2, []),
)


@for_each("packing", PACKINGS)
def test_files_that_follow_each_other_share_a_task(
    packing: tuple[str, str, list[int], int, list[int]],
) -> None:
    _, name, sizes, slots, expected = packing
    found = files(*(size * MB for size in sizes), name=name)

    tasks = [list(task) for task in files_by_task(found, slots)]

    assert sizes_of(tasks) == expected
    assert [one.place for task in tasks for one in decoded_task(encoded_task(task))] == [
        *range(len(sizes))
    ]


def test_a_wave_is_a_day_and_a_large_day_has_several_and_small_days_share_one() -> None:
    found = [Input("first.gz", MB, 0), *files(*[10 * MB] * 6, days=3)]

    def sizes(least: int, most: int) -> list[int]:
        return [len(wave) for wave in waves(found, least=least * MB, most=most * MB)]

    assert sizes(1, 1000) == [4, 3]
    assert sizes(1, 20) == [2, 2, 2, 1]
    assert sizes(31, 1000) == [4, 3]
    assert sizes(32, 1000) == [7]
    assert sizes(40, 40) == [4, 3]


def test_stdin_and_missing_files_are_refused_by_the_driver(tmp_path: Path) -> None:
    for names in ([], ["-"], [str(tmp_path / "none")]):
        with pytest.raises(InputError):
            job_files(names)


def test_each_file_has_an_end_also_after_one_that_is_cut(tmp_path: Path) -> None:
    texts = {"a": b"", "b": b'{"a":1}\n{"b":2}', "c": b"x\n" * 9, "d": b"", "e": b"1\n2\n3\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.gz").write_bytes(gzip.compress(text))
    (tmp_path / "c.gz").write_bytes(gzip.compress(b"x\n" * 9)[:-8])
    (tmp_path / "d.gz").write_bytes(b"\x1f\x8b\x08")
    found = job_files([str(tmp_path)])

    read = list(read_files(found, 1000))

    ends = [one for one in read if isinstance(one, FileEnd)]
    assert [Path(end.input.name).stem for end in ends] == list("abcde")
    assert [end.lines for end in ends] == [0, 2, 9, 0, 3]
    assert [bool(end.problem) for end in ends] == [False, False, True, True, False]
    assert f"{tmp_path}/c.gz:10: could not be read past this point" in ends[2].problem
    blocks = [one for one in read if isinstance(one, NumberedBlock)]
    assert [(block.input.place, block.first) for block in blocks] == [
        (1, 1),
        (1, 2),
        (2, 1),
        (4, 1),
    ]


def test_a_file_that_was_written_to_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1\n")
    found = job_files([str(tmp_path)])
    check_same(found)

    (tmp_path / "a").write_bytes(b"22\n")

    with pytest.raises(InputError, match="has changed since the job began"):
        check_same(found)


def spec_with_keys() -> JobSpec:
    origin = Origin(Place.OPTION, "--set")
    settings = {
        "api_key": Given(Secret(KEY), origin),
        "endpoint": Given(f"https://u:{KEY}@api.example/?k={KEY}", origin),
    }
    return JobSpec(source=find_source("webhook")[0], settings=settings, at="2026-02-03T00:00:00Z")


def test_a_job_that_only_maps_takes_no_key_along() -> None:
    spec = spec_with_keys()

    shipped = shipped_without_keys(spec, spec.job())

    assert KEY.encode() not in pickle.dumps(shipped)
    assert mapping_job(shipped).settings.endpoint == "https://api.example"
    other = pickle.loads(pickle.dumps(shipped))
    assert mapping_job(other) is mapping_job(shipped)


def test_a_limit_is_refused() -> None:
    spec = JobSpec(
        source=find_source("gist")[0],
        selection=SelectionSpec(limit=3),
        at="2026-02-03T00:00:00Z",
    )

    with pytest.raises(UsageError, match="--limit cannot be used on Spark"):
        cluster_job(spec, spec.job(), [])


def test_an_error_of_a_task_is_the_same_on_the_driver() -> None:
    for error in (
        InputError("a.gz:3 is an array\nof JSON", "Type: jq …"),
        SettingsError("no key", "Set it."),
        Stopped("a.gz:7: cut"),
    ):
        sent = pickle.loads(pickle.dumps(TaskError(error)))
        said = f"Job aborted: org.apache.spark.api.python.PythonException: {sent}\n\n\tat java"

        found = run_error(said)

        assert (type(found), str(found), found and found.hint) == (
            type(error),
            error.message,
            error.hint,
        )


SAID = (
    ("another Python", "[PYTHON_VERSION_MISMATCH] Python in worker has", "another version"),
    ("no segcli", "ModuleNotFoundError: No module named 'segcli'", "no module segcli"),
    ("no Python", 'Cannot run program "py3": error=2', "cannot run py3"),
    ("an output", "[PATH_ALREADY_EXISTS] Path file:/o already exists. Set", "file:/o exists"),
    ("anything else", "Job aborted due to stage failure: lost\nmore", "stage failure: lost"),
)


@for_each("case", SAID)
def test_what_spark_says_becomes_an_error_with_what_to_do(case: tuple[str, str, str]) -> None:
    _, said, expected = case
    assert expected in str(run_error(said))


def test_a_bug_in_a_task_stays_one() -> None:
    assert run_error("Traceback (most recent call last):\nKeyError: 1") is None


def test_an_account_adds_up_what_the_tasks_of_a_job_have_read() -> None:
    pytest.importorskip("pyarrow")
    from segcli.spark.mapping import tally_of
    from segcli.spark.mapping_job import TaskAccount

    one = TaskAccount(files=[(0, 3, ""), (1, 1, "cut")], mapped=2, bytes=99)
    one.reasons.update({("skipped", "blank line"): 1, ("rejected", "no"): 1})
    total = TaskAccount()
    for _ in range(2):
        total.add(json.loads(json.dumps(one.encoded())))

    tally = tally_of(total)

    assert (tally.read, tally.mapped, tally.skipped, tally.rejected) == (8, 4, 2, 2)
    assert tally.reasons["rejected", "no"] == 2
