"""A file that cannot be parsed as a destination file: the error has the position and a hint."""

import json
from pathlib import Path

import pytest
from support.destination_file import ACME
from support.resuming import Segcli
from support.samples import line_of
from support.tables import for_each

from segcli.destination_file import destination_from_text
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError

TEXTS = {
    "": "acme.toml: is empty",
    "name = \nlabel = 1": "acme.toml:1:8: not TOML: Invalid value",
    "name = 1\nname = 2\n": "acme.toml:2:9: not TOML: Cannot overwrite a value",
    "name = ": "acme.toml: not TOML: Invalid value (at end of document)",
    "a = 2026-02-03": "acme.toml: a is a date or a time: write it in quotes",
    "[a]\nb = [1, nan]": "acme.toml: a.b[1] is not a JSON number",
    "a = " + "[" * 3000: "acme.toml: nested deeper than 50 levels",
    "a = " + "[" * 51 + "]" * 51: "acme.toml: nested deeper than 50 levels",
    "a = " + "9" * 5000: "acme.toml: not TOML: a number that is out of range",
    "a = 1e" + "9" * 30: "acme.toml: not TOML: a number that is out of range",
    '{"name": "acme"}': "acme.toml:1:1: not TOML: Invalid statement",
}
JSON_TEXTS = {
    " \n": "acme.json: is empty",
    "[]": "acme.json: must hold one JSON object",
    '{"a": 1,\n "a": 2}': "acme.json: the key 'a' appears twice in one object",
    '{"a": 1,\n2}': "acme.json:2:1: not JSON: Expecting property name enclosed in double quotes",
    '{"a": NaN}': "acme.json: not JSON: unexpected N",
    '{"a": "\\ud800"}': "acme.json: not JSON: an unpaired surrogate or a wrong escape in a string",
    '{"a":' + "[" * 60 + "]" * 60 + "}": "acme.json: nested deeper than 50 levels",
    "[" * 100_000: "acme.json: nested deeper than 50 levels",
    "name = 1": "acme.json:1:1: not JSON: Expecting value",
}


@for_each(
    ("title", "text", "said"),
    [("acme.toml", *one) for one in TEXTS.items()]
    + [("acme.json", *one) for one in JSON_TEXTS.items()],
)
def test_syntax_error_is_reported_with_its_position(title: str, text: str, said: str) -> None:
    with pytest.raises(DestinationError) as error:
        destination_from_text(text, title, str, taken=BUILT_IN)

    assert error.value.message.replace("  ", " ").startswith(said)


def test_file_with_the_wrong_suffix_is_recognised() -> None:
    for title, text, ending in (
        ("acme.toml", json.dumps(ACME), ".json"),
        ("acme.json", 'name = "acme"', ".toml"),
    ):
        with pytest.raises(DestinationError) as error:
            destination_from_text(text, title, str, taken=BUILT_IN)
        assert f"use a file name that ends in {ending}" in error.value.hint


def test_unreadable_destination_file_exits_2_with_a_hint(segcli: Segcli, tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(line_of())
    (tmp_path / "folder.toml").mkdir()
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "acme.toml").write_text(json.dumps(ACME))
    (tmp_path / "acme.yaml").write_text("name: acme")
    (tmp_path / "large.json").write_bytes(b" " * 5_000_000)
    cases = {
        "./no.toml": "./no.toml does not exist\nThere are: ./acme.toml, ./binary.toml",
        "no/acme.toml": "no/acme.toml does not exist",
        "./folder.toml": "./folder.toml is a folder, not a file",
        "./": "./ is a folder, not a file\nThere are: ./acme.toml",
        "./binary.toml": "./binary.toml is not UTF-8 text (line 1): save it as UTF-8\n",
        "./large.json": "./large.json is larger than 4,194,304 bytes",
        "./acme.yaml": "./acme.yaml: the name of a destination file ends in .toml or .json",
        "./acme.toml": "./acme.toml:1:1: not TOML",
        f"./{'x' * 300}.toml": "cannot be read: File name too long",
        "acme": "there is no destination 'acme'\nDid you mean the file? Give its path: ./acme.toml",
        "acmes": "for a file of your own give its path, like ./FILE.toml",
    }
    for dest, said in cases.items():
        for command in ("destinations", "transform"):
            words = [dest] if command == "destinations" else ["-d", dest, "events.jsonl"]
            done = segcli(command, *words)
            assert (done.code, done.out) == (2, ""), dest
            assert said in done.err, dest
            assert "Traceback" not in done.err
