"""The destinations of the catalog: used by name, as if they were built in."""

import pickle
from pathlib import Path

import pytest
from support.samples import Run
from support.tables import for_each

from segcli import catalog, destinations
from segcli.destination_source import find_destination, find_source
from segcli.errors import DestinationError


@for_each("name", catalog.NAMES)
def test_every_entry_of_the_catalog_is_a_valid_file_with_its_own_name(name: str) -> None:
    destination = destinations.named_destination(name)

    assert destination.name == name
    assert destination.label
    assert destination.about


def test_no_other_file_lies_in_the_catalog() -> None:
    files = {path.stem for path in Path(catalog.__file__).parent.glob("*.toml")}

    assert files == set(catalog.NAMES)


def test_another_process_finds_an_entry_of_the_catalog_by_name() -> None:
    source, destination = find_source(catalog.NAMES[0])

    assert pickle.loads(pickle.dumps(source)).destination().name == destination.name


@pytest.mark.parametrize("ending", [".toml", ".json"])
def test_a_file_named_like_an_entry_is_told_to_take_another_name(
    tmp_path: Path, ending: str
) -> None:
    name = catalog.NAMES[0]
    own = tmp_path / f"own{ending}"
    own.write_text(f'name = "{name}"' if ending == ".toml" else f'{{"name": "{name}"}}')

    with pytest.raises(DestinationError, match=f"a destination {name} already exists"):
        find_destination(str(own))


def test_destinations_lists_the_catalog_apart_from_what_is_built_in(run_segcli: Run) -> None:
    lines = run_segcli("destinations").stdout.decode().splitlines()
    groups = [line.split("  ")[0] for line in lines if line.endswith("about")]

    assert groups == ["built in", "catalog"]
    assert {line.partition(" ")[0] for line in lines} >= {*destinations.BUILT_IN, *catalog.NAMES}
