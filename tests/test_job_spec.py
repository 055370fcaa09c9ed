"""A job as texts: it survives pickling and JSON, shows no key, and means the same everywhere."""

import json
import pickle
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.destination_file import ACME
from support.samples import KEY, line_of
from support.tables import for_each

from segcli.core.outcome import Mapped, Skipped, outcome_of
from segcli.core.secret import Secret
from segcli.core.settings import Given, Origin, Place
from segcli.destination_source import find_source
from segcli.errors import SettingsError, UsageError
from segcli.job_spec import JobSpec, SelectionSpec, spec_from

AT = "2026-02-10T12:00:00+00:00"
BY_OPTION = Origin(Place.OPTION, "--set")


def spec_for(dest: str, *, selection: SelectionSpec | None = None, **settings: object) -> JobSpec:
    return JobSpec(
        source=find_source(dest)[0],
        settings={name: Given(value, BY_OPTION) for name, value in settings.items()},
        selection=selection or SelectionSpec(),
        at=AT,
    )


def test_a_job_is_the_same_after_pickling_and_after_json() -> None:
    selection = SelectionSpec(types=("track",), since="7d", where="properties.total >= 1")
    spec = spec_for("gist", selection=selection, api_key=Secret(KEY), batch=5)
    through_json = json.loads(json.dumps(spec.document()))

    for again in (
        pickle.loads(pickle.dumps(spec)),
        spec_from(through_json, {"api_key": Secret(KEY)}),
    ):
        job = again.job()
        assert job.settings == spec.job().settings
        assert job.selection.since == datetime(2026, 2, 3, 12, tzinfo=UTC)
        line = line_of(timestamp="2026-02-04", properties={"total": 2, "email": "a@b.c"})
        assert isinstance(outcome_of(line, job), Mapped)
        early = line_of(timestamp="2026-02-03T11:59:59Z", properties={"total": 2})
        assert outcome_of(early, job) == Skipped("before --since")


@for_each(
    ("selection", "said"),
    [
        (SelectionSpec(users=("u1", "")), "a value of --user is empty"),
        (SelectionSpec(events=("",)), "a value of --event is empty"),
    ],
)
def test_an_empty_text_to_select_by_is_an_error(selection: SelectionSpec, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        spec_for("gist", selection=selection).job()


def test_a_described_destination_is_built_again_without_its_files(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text(json.dumps(ACME))
    spec = spec_for(str(file), selection=SelectionSpec(limit=3))
    file.unlink()

    job = pickle.loads(pickle.dumps(spec)).job()

    assert job.destination.name == "acme"
    assert job.destination.revision == spec.job().destination.revision
    assert job.selection.limit == 3


def test_no_key_is_in_the_text_of_a_spec_or_in_its_document() -> None:
    with_password = f"https://user:{KEY}@api.example/v1"
    spec = spec_for("webhook", api_key=Secret(KEY), endpoint=with_password)

    assert KEY not in repr(spec)
    assert KEY not in json.dumps(spec.document())
    assert sorted(spec.document()["keys"]) == ["api_key", "endpoint"]
    with pytest.raises(SettingsError, match="the job needs endpoint"):
        spec_from(spec.document(), {"api_key": Secret(KEY)})


@pytest.mark.parametrize(
    ("selection", "problem"),
    [
        (SelectionSpec(types=("trak",)), "there is no type 'trak'"),
        (SelectionSpec(since="soon"), "since: 'soon' is not a time"),
        (SelectionSpec(until="7"), "until: '7' is not a time"),
        (SelectionSpec(where="event = "), "where: "),
    ],
)
def test_a_text_that_means_nothing_is_an_error(selection: SelectionSpec, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        spec_for("gist", selection=selection).job()


def test_a_document_of_another_version_is_refused() -> None:
    with pytest.raises(UsageError, match="another version"):
        spec_from(spec_for("gist").document() | {"job_spec_version": 1}, {})
