"""Each mistake in a destination file is shown at the line of its key."""

from support.tables import for_each

from segcli.ui.positions import line_at, lines_of_keys

TOML = """\
name = "acme"
request.url = "https://a"

[settings.api_key]
secret = true

[[actions]]
name = "one"
mapping = { a = { "@path" = "$.a" }, list = [
  1, # a comment
  { b = 2 },
] }
[[actions]]
name = "two"
[actions.mapping]
"a b" = { "@if" = 1 }
[actions.mapping.deep]
x = 1
[[actions.more]]
y = 2
"""
JSON = '{\n "name": "acme",\n "actions": [\n  {"name": "one"},\n  {"a/b": {\n    "c": 1}}]}'


@for_each(
    "case",
    [
        (("name",), 1),
        (("request", "url"), 2),
        (("settings", "api_key"), 4),
        (("settings", "api_key", "secret"), 5),
        (("actions", 0), 7),
        (("actions", 0, "mapping", "a", "@path"), 9),
        (("actions", 0, "mapping", "list", 0), 10),
        (("actions", 0, "mapping", "list", 1, "b"), 11),
        (("actions", 1, "name"), 14),
        (("actions", 1, "mapping", "a b", "@if"), 16),
        (("actions", 1, "mapping", "deep", "x"), 18),
        (("actions", 1, "more", 0, "y"), 20),
    ],
)
def test_toml_keys_have_their_lines(case: tuple[tuple[str | int, ...], int]) -> None:
    path, line = case

    assert lines_of_keys(TOML, is_json=False).get(path) == line


def test_json_keys_have_their_lines() -> None:
    lines = lines_of_keys(JSON, is_json=True)

    assert lines["name",] == 2
    assert lines["actions", 0] == 4
    assert lines["actions", 1, "a/b", "c"] == 6


def test_missing_key_is_shown_at_what_surrounds_it() -> None:
    lines = lines_of_keys(TOML, is_json=False)

    assert line_at(("settings", "api_key", "help"), lines) == 4
    assert line_at(("actions", 1, "subscribe"), lines) == 13
    assert line_at(("batch", "events"), lines) == 1


def test_item_of_a_list_may_be_named_by_a_text() -> None:
    lines = lines_of_keys(TOML, is_json=False)

    assert line_at(("actions", 0, "mapping", "list", "1", "b", "@path"), lines) == 11


def test_text_that_is_no_toml_gives_what_can_be_made_out() -> None:
    assert lines_of_keys('a = 1\nb = {"', is_json=False)["a",] == 1
    assert lines_of_keys("", is_json=False) == {}
    assert lines_of_keys("[", is_json=True) == {}
