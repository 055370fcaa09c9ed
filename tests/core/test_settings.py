"""Settings come from the documented sources, and errors say what to type."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from support.samples import KEY
from support.tables import for_each

from segcli import Secret
from segcli.core.settings import SettingSources, describe, env_name, read_settings, require, setting
from segcli.destinations import BUILT_IN, named_destination
from segcli.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of every type."""

    api_key: Secret = setting(Secret(), help="Acme's key", required=True)
    endpoint: str = setting("", help="where Acme is", required=True)
    region: str = setting("eu", help="")
    batch: int = setting(1, help="", minimum=1)
    share: float = setting(0.5, help="")
    strict: bool = setting(False, help="")


def read_acme(
    given: dict[str, str] | None = None,
    env: dict[str, str] | None = None,
    table: dict[str, Any] | None = None,
) -> Settings:
    sources = SettingSources(given=given or {}, env=env or {}, table=table or {}, config="my.toml")
    return read_settings("acme", Settings, sources)


def error_of(act: Callable[[], Any]) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        act()
    return caught.value


def test_setting_without_a_source_has_its_default() -> None:
    assert read_acme() == Settings()


@pytest.mark.parametrize(
    ("sources", "region"),
    [
        ({"given", "env", "table"}, "given"),
        ({"env", "table"}, "env"),
        ({"table"}, "table"),
        (set(), "eu"),
    ],
)
def test_set_overrides_environment_overrides_file_overrides_default(
    sources: set[str], region: str
) -> None:
    given = {"region": "given"} if "given" in sources else {}
    env = {"SEGCLI_ACME_REGION": "env"} if "env" in sources else {}
    table = {"region": "table"} if "table" in sources else {}

    assert read_acme(given, env, table).region == region


def test_the_environment_of_another_destination_is_not_read() -> None:
    assert read_acme(env={"SEGCLI_GIST_REGION": "us", "REGION": "us"}).region == "eu"


def test_environment_name_has_destination_and_setting() -> None:
    assert env_name("gist", "api_key") == "SEGCLI_GIST_API_KEY"
    assert env_name("my-own.place", "api_key") == "SEGCLI_MY_OWN_PLACE_API_KEY"


@for_each(
    ("name", "text", "value"),
    [
        ("region", "us", "us"),
        ("region", "", ""),
        ("batch", "50", 50),
        ("share", "0.25", 0.25),
        ("share", "1", 1.0),
        ("strict", "true", True),
        ("strict", "Yes", True),
        ("strict", "on", True),
        ("strict", "1", True),
        ("strict", "false", False),
        ("strict", "no", False),
        ("strict", "OFF", False),
        ("strict", "0", False),
        ("api_key", f"  {KEY}\n", Secret(KEY)),
        ("endpoint", " https://acme.example/in/ ", "https://acme.example/in"),
        ("endpoint", "http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_text_is_converted_to_the_type_of_its_setting(name: str, text: str, value: Any) -> None:
    found = getattr(read_acme({name: text}), name)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "value", "read_as"),
    [("batch", 50, 50), ("share", 2, 2.0), ("strict", True, True), ("region", 7, "7")],
)
def test_toml_value_of_a_matching_type_is_accepted(name: str, value: Any, read_as: Any) -> None:
    assert getattr(read_acme(table={name: value}), name) == read_as


ADDRESS = "an address such as https://host/path"


@for_each(
    ("name", "value", "message"),
    [
        ("batch", "many", "acme: batch must be a whole number, not 'many'"),
        ("batch", "", "acme: batch must be a whole number, not ''"),
        ("batch", 1.5, "acme: batch must be a whole number, not 1.5"),
        ("batch", True, "acme: batch must be a whole number, not True"),
        ("batch", "0", "acme: batch must be at least 1, not 0"),
        ("share", "half", "acme: share must be a number, not 'half'"),
        ("strict", "maybe", "acme: strict must be true or false, not 'maybe'"),
        ("strict", 1, "acme: strict must be true or false, not 1"),
        ("region", ["eu"], "acme: region must be text, not ['eu']"),
        ("api_key", "schlüssel", "acme: api_key must be a key: printable ASCII on one line"),
        ("api_key", "two\nlines", "acme: api_key must be a key: printable ASCII on one line"),
        ("api_key", 12345678, "acme: api_key must be a key: printable ASCII on one line"),
        ("endpoint", "acme.example", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", "ftp://acme.example", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", "https://", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", "https://[::1", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", "https://acme.example:99999", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", "https://acme.example/\x00", f"acme: endpoint must be {ADDRESS}"),
        ("endpoint", True, f"acme: endpoint must be {ADDRESS}"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_must_be(name: str, value: Any, message: str) -> None:
    error = error_of(lambda: read_acme(table={name: value}))

    assert error.message == f"my.toml: {message}"
    assert error.hint == "Correct it there."


@for_each(
    ("sources", "hint"),
    [
        (SettingSources(given={"batch": "0"}, env={}, table={}), "it: --set batch=…"),
        (
            SettingSources(
                given={"endpoint": "x"}, env={}, table={}, options={"endpoint": "--endpoint"}
            ),
            "it: --endpoint URL",
        ),
        (
            SettingSources(
                given={"api_key": "ü"}, env={}, table={}, options={"api_key": "--api-key-file"}
            ),
            "the first line of the file of --api-key-file.",
        ),
        (
            SettingSources(given={"batch": "x"}, env={}, table={}, given_in="settings"),
            "it: settings={'batch': …}",
        ),
        (
            SettingSources(
                given={"api_key": "ü"}, env={}, table={}, options={"api_key": "api_key"}
            ),
            "it: api_key=…",
        ),
        (
            SettingSources(given={}, env={"SEGCLI_ACME_BATCH": "0"}, table={"batch": 1}),
            "it: export SEGCLI_ACME_BATCH=…",
        ),
        (SettingSources(given={}, env={}, table={"batch": 0}), "it there."),
    ],
)
def test_a_wrong_value_is_corrected_where_it_was_given(sources: SettingSources, hint: str) -> None:
    assert error_of(lambda: read_settings("acme", Settings, sources)).hint == f"Correct {hint}"


@pytest.mark.parametrize(
    ("sources", "where"),
    [({"given": {"regoin": "x"}}, "--set"), ({"table": {"regoin": 1}}, "my.toml")],
)
def test_unknown_setting_error_suggests_the_nearest_and_lists_all_names(
    sources: dict[str, Any], where: str
) -> None:
    error = error_of(lambda: read_acme(**sources))

    assert error.message == f"{where}: acme has no setting 'regoin'"
    assert error.hint == (
        "Did you mean region? It has: api_key, endpoint, region, batch, share, strict. "
        "See: segcli destinations acme"
    )


def test_unknown_setting_unlike_any_other_gets_no_suggestion() -> None:
    assert error_of(lambda: read_acme({"zzz": "1"})).hint.startswith("It has: api_key")


def test_unknown_environment_variable_is_ignored() -> None:
    assert read_acme(env={"SEGCLI_ACME_COLOUR": "red"}) == Settings()


def test_missing_required_settings_are_reported_together_with_hints() -> None:
    error = error_of(lambda: require("acme", read_acme()))

    assert error.message == "acme needs api_key (Acme's key); endpoint (where Acme is)"
    assert error.hint.splitlines() == [
        "Set it with: export SEGCLI_ACME_API_KEY=…   "
        "(or --api-key-file PATH, or api_key in the table [acme] of segcli.toml)",
        "Set it with: export SEGCLI_ACME_ENDPOINT=…   "
        "(or --endpoint URL, or endpoint in the table [acme] of segcli.toml)",
    ]
    assert error.exit_code == 2


def test_require_passes_if_all_required_settings_are_set() -> None:
    require("acme", read_acme({"api_key": KEY, "endpoint": "https://acme.example"}))


@for_each("name", BUILT_IN)
def test_every_setting_of_a_destination_has_a_description(name: str) -> None:
    rows = describe(name, named_destination(name).settings)

    assert {row.name for row in rows} >= {"api_key", "endpoint"}
    assert all(row.help for row in rows)
    assert all(row.env == f"SEGCLI_{name}_{row.name}".upper() for row in rows)


def test_grouping_setting_is_marked_as_grouping() -> None:
    @dataclass(frozen=True, slots=True)
    class Grouping:
        """Settings of which one may change when a run is resumed."""

        region: str = setting("eu", help="")
        batch: int = setting(1, help="", is_grouping=True)

    assert [row.name for row in describe("acme", Grouping) if row.is_grouping] == ["batch"]


@dataclass(frozen=True, slots=True)
class OneKey:
    """A destination whose key has a name of its own."""

    token: Secret = setting(Secret(), help="", required=True)
    region: str = setting("", help="", required=True)


@dataclass(frozen=True, slots=True)
class TwoKeys:
    """A destination with two keys."""

    token: Secret = setting(Secret(), help="", required=True)
    signature: Secret = setting(Secret(), help="", required=True)


@pytest.mark.parametrize(
    ("settings", "ways"),
    [
        (OneKey(), ["--api-key-file PATH, or token", "--set region=…, or region"]),
        (TwoKeys(), ["token", "signature"]),
    ],
)
def test_no_hint_says_to_type_a_key(settings: Any, ways: list[str]) -> None:
    hints = error_of(lambda: require("acme", settings)).hint.splitlines()

    for hint, way in zip(hints, ways, strict=True):
        assert hint.endswith(f"(or {way} in the table [acme] of segcli.toml)")
