"""Settings that are tables of names and texts."""

import pytest
from support.destination_file import ACME, changed, no_files
from support.posted import track
from support.tables import for_each

from segcli.core.exact_json import dumps
from segcli.core.named_texts import named_texts, named_texts_in
from segcli.core.outcome import Job, Mapped, map_event
from segcli.core.settings import SettingSources, read_settings, require
from segcli.destination_file import destination_from_text
from segcli.errors import DestinationError, SettingsError

ORDER = {"Order Completed": "order"}


@for_each(
    ("given", "table"),
    [
        ("Order Completed=order", ORDER),
        (" Order Completed = order , Signed Up=a b,", ORDER | {"Signed Up": "a b"}),
        ("a=b=c", {"a=b": "c"}),
        ('{"Order Completed": "order", "a,b": "c"}', ORDER | {"a,b": "c"}),
        (ORDER, ORDER),
    ],
)
def test_a_table_is_read_from_pairs_json_and_tables(given: object, table: object) -> None:
    assert named_texts_in(named_texts(given)) == table
    assert named_texts(named_texts(given)) == named_texts(given)


@for_each("given", ["a", "a=", "=a", "a=1,a=2", "{", "[1]", '{"a": 1}', "@path=a", 7, ["a"]])
def test_what_is_no_table_of_texts_is_an_error(given: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # its message is that of the setting
        named_texts(given)


def file_with_map(**setting: object) -> str:
    lookup = {"@lookup": {"table": {"@setting": "names"}, "value": {"@path": "$.event"}}}
    changes = {
        "settings": {"names": {"type": "map"} | setting},
        "request": {"url": "https://api.acme.example/v1"},
        "actions": [{"subscribe": 'type = "track"', "mapping": {"name": lookup}}],
    }
    return dumps(changed(ACME, changes)).decode()


def test_a_setting_that_is_a_table_names_events() -> None:
    destination = destination_from_text(
        file_with_map(required=True), "acme.json", no_files, taken=()
    )
    for given in ("E=one", {"E": "one"}):
        sources = SettingSources(given={"names": given}, env={}, table={})
        settings = read_settings("acme", destination.settings, sources)
        found = map_event(track(), Job(destination=destination, settings=settings))
        assert isinstance(found, Mapped)
        assert found.body == b'{"name":"one"}'

    empty = read_settings("acme", destination.settings, SettingSources(given={}, env={}, table={}))
    with pytest.raises(SettingsError, match="acme needs names"):
        require("acme", empty)
    with pytest.raises(SettingsError, match="names must be names with texts, as in name=text"):
        read_settings(
            "acme", destination.settings, SettingSources(given={"names": "E"}, env={}, table={})
        )


def test_a_table_has_a_default_and_stands_in_no_text() -> None:
    text = file_with_map(default=ORDER)
    destination = destination_from_text(text, "acme.json", no_files, taken=())
    settings = read_settings(
        "acme", destination.settings, SettingSources(given={}, env={}, table={})
    )
    found = map_event(
        track(event="Order Completed"), Job(destination=destination, settings=settings)
    )
    assert isinstance(found, Mapped)
    assert found.body == b'{"name":"order"}'

    in_url = text.replace("acme.example/v1", "acme.example/{settings.names}")
    with pytest.raises(DestinationError, match="is a map: it belongs in a mapping"):
        destination_from_text(in_url, "acme.json", no_files, taken=())
