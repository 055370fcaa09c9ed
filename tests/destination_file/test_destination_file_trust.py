"""An untrusted destination file can use its own settings and its own folder only."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.destination_file import ACME, GONE, changed
from support.resuming import Segcli
from support.samples import KEY, Run, line_of
from support.tables import for_each

from segcli.core.settings import env_name, share_variables
from segcli.destination_source import find_destination
from segcli.destinations import BUILT_IN
from segcli.errors import DestinationError
from segcli.inputs import small_file

MAPPING = '{"name": {"@path": "$.event"}}'
OUTSIDE = {"actions.0.mapping": GONE, "actions.0.mapping_file": "maps/track.json"}
Write = Callable[[str], Path]


@pytest.fixture
def acme(tmp_path: Path) -> Write:
    """Write a description whose mapping stands in a file of this name."""
    (tmp_path / "here" / "maps").mkdir(parents=True)

    def write(mapping_file: str) -> Path:
        path = tmp_path / "here" / "acme.json"
        changes = OUTSIDE | {"actions.0.mapping_file": mapping_file}
        path.write_text(json.dumps(changed(ACME, changes)))
        return path

    return write


def refused(path: Path) -> str:
    with pytest.raises(DestinationError) as error:
        find_destination(str(path))
    return error.value.message


# --- the settings of others


names = st.text("ab_-.", min_size=1, max_size=5)
settings = st.text("ab_", min_size=1, max_size=5)


@given(names, settings, names, settings)
def test_allowed_destination_names_never_share_a_variable(
    one: str, setting: str, other: str, its_setting: str
) -> None:
    if not share_variables(one, other):
        assert env_name(one, setting) != env_name(other, its_setting)


@for_each(
    ("one", "other", "expected"),
    [
        ("gist", "gist", True),
        ("gist-api", "gist", True),
        ("gist_api", "gist", True),
        ("Gist.API", "gist", True),
        ("gist", "gist-api", True),
        ("gist2", "gist", False),
        ("my-gist", "gist", False),
        ("acme", "gist", False),
    ],
)
def test_names_conflict_if_one_variable_prefix_starts_with_the_other(
    one: str, other: str, expected: bool
) -> None:
    assert share_variables(one, other) is expected


@pytest.mark.parametrize("name", [f"{one}{end}" for one in BUILT_IN for end in ("-api", "_api")])
def test_file_cannot_read_the_key_of_a_built_in_destination(
    name: str, segcli: Segcli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"settings": {"key": {"secret": True, "required": True}}}
    changes = key | {"name": name, "request.auth.bearer": "{settings.key}"}
    (tmp_path / "other.json").write_text(json.dumps(changed(ACME, changes)))
    (tmp_path / "events.jsonl").write_bytes(line_of())
    other = name[:-4]
    monkeypatch.setenv(f"SEGCLI_{other.upper()}_API_KEY", KEY)
    said = segcli("send", "-d", "./other.json", "--endpoint", "http://127.0.0.1:9", "events.jsonl")

    assert said.code == 2
    assert f"name: {name} could read the settings of {other}: " in said.err


@pytest.mark.parametrize(
    ("plugin", "name", "says"),
    [
        ("acme", "acme", "a destination acme already exists"),
        ("acme", "acme-eu", "acme-eu could read the settings of acme: SEGCLI_ACME_EU_… and"),
        ("acme.eu", "acme", "acme could read the settings of acme.eu: SEGCLI_ACME_… and"),
    ],
)
def test_file_cannot_read_the_key_of_a_plug_in_that_is_not_imported(
    plugin: str,
    name: str,
    says: str,
    run_segcli: Run,
    install: Callable[..., dict[str, str]],
    tmp_path: Path,
) -> None:
    code = "import pathlib\npathlib.Path('imported').touch()\n"
    env = install(f"{plugin} = loud:ACME", loud=code)
    (tmp_path / "other.json").write_text(json.dumps(changed(ACME, {"name": name})))
    done = run_segcli("destinations", "./other.json", env=env)

    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert not (tmp_path / "imported").exists()


# --- files


def test_mapping_file_is_read_through_links_inside_the_folder(acme: Write, tmp_path: Path) -> None:
    maps = tmp_path / "here" / "maps"
    (maps / "real.json").write_text(MAPPING)
    (maps / "track.json").symlink_to("real.json")
    (tmp_path / "here" / "..2026_02_03").symlink_to("maps")
    (tmp_path / "elsewhere").symlink_to("here")
    for name in ("maps/real.json", "./maps/track.json", "..2026_02_03/real.json"):
        written = acme(name)
        assert find_destination(str(written)).actions
        assert find_destination(str(tmp_path / "elsewhere" / written.name)).actions


@pytest.mark.parametrize("name", ["{out}", "../secret.json", "maps/../../secret.json", "maps/.."])
def test_mapping_file_path_outside_the_folder_is_refused(
    name: str, acme: Write, tmp_path: Path
) -> None:
    out = tmp_path / "secret.json"
    out.write_text('{"auths": "of-docker"}')
    said = refused(acme(name.format(out=out)))

    assert "must be a path below the folder of the destination's file, without .." in said
    assert "of-docker" not in said


@pytest.mark.parametrize("link", ["maps/track.json", "maps"])
def test_link_out_of_the_folder_is_refused(link: str, acme: Write, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "track.json").write_text(MAPPING)
    place = tmp_path / "here" / link
    if link == "maps":
        place.rmdir()
    place.symlink_to(tmp_path / "out" / ("" if link == "maps" else "track.json"))

    assert "is a link that leads out of the folder" in refused(acme("maps/track.json"))


@pytest.mark.parametrize("name", [".docker/config.json", "maps/.netrc", "maps/track.json"])
def test_hidden_mapping_file_is_refused_even_through_a_link(
    name: str, acme: Write, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    (here / ".docker").mkdir()
    (here / ".docker" / "config.json").write_text(MAPPING)
    (here / "maps" / ".netrc").write_text(MAPPING)
    (here / "maps" / "track.json").symlink_to("../.docker/config.json")

    assert "is hidden" in refused(acme(name))


@pytest.mark.parametrize("swapped", ["maps", "maps/track.json"])
def test_link_created_after_the_check_is_not_followed(
    swapped: str, acme: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, out = tmp_path / "here", tmp_path / "out"
    (here / "maps" / "track.json").write_text(MAPPING)
    out.mkdir()
    (out / "track.json").write_text('{"a": "of-somebody"}')
    opened = small_file._opened

    def too_late(root: str, parts: Any) -> int:
        place = here / swapped
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        place.symlink_to(out / swapped.partition("/")[2])
        return opened(root, parts)

    monkeypatch.setattr(small_file, "_opened", too_late)

    assert "cannot be read: " in refused(acme("maps/track.json"))


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("pipe", "is not a regular file"),
        ("folder", "is a folder, not a file"),
        ("large", "is larger than 4,194,304 bytes"),
        ("nothing", "does not exist"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
    ],
)
def test_mapping_file_must_be_a_small_regular_file(
    kind: str, says: str, acme: Write, run_segcli: Run, tmp_path: Path
) -> None:
    place = tmp_path / "here" / "maps" / "track.json"
    match kind:
        case "pipe":
            os.mkfifo(place)
        case "folder":
            place.mkdir()
        case "large":
            place.write_bytes(b" " * 5_000_000)
        case "loop":
            place.symlink_to(place)
    done = run_segcli("destinations", acme("maps/track.json"))

    assert done.returncode == 2
    assert says in done.stderr.decode()
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["destinations", "transform", "check", "send"])
@pytest.mark.parametrize("is_link", [False, True], ids=["pipe", "link to a pipe"])
def test_destination_file_that_is_a_pipe_is_refused(
    is_link: bool, command: str, run_segcli: Run, tmp_path: Path
) -> None:
    place = tmp_path / "f.toml"
    os.mkfifo(tmp_path / "pipe.toml")
    place.symlink_to(tmp_path / "pipe.toml") if is_link else os.mkfifo(place)
    done = run_segcli(command, *([] if command == "destinations" else ["--dest"]), str(place))

    assert done.returncode == 2
    assert b"is not a regular file" in done.stderr


# --- what nests or repeats without end


@pytest.mark.parametrize(
    "text",
    [
        ".".join("a" * 500_000) + " = 1",
        "[" + " . ".join(['"a#\\""'] * 100_000) + "]",
        'x = {a = """b"""", ' + ".".join(["'a'"] * 300_000) + " = 1}",
        "a = " + "[" * 500_000,
        "a = " + "{a=" * 300_000,
    ],
    ids=["dotted key", "quoted key", "behind a string", "lists", "tables"],
)
def test_too_deeply_nested_toml_is_refused_with_a_clear_error(
    text: str, run_segcli: Run, tmp_path: Path
) -> None:
    (tmp_path / "acme.toml").write_text(text)
    done = run_segcli("destinations", "./acme.toml")

    assert done.returncode == 2
    said = done.stderr.decode()
    assert said.startswith("Error: ./acme.toml: nested deeper than 50 levels")


def test_long_strings_with_dots_and_quotes_are_not_nested_keys() -> None:
    from segcli.core import toml_text

    text = "a.b"
    for quote in ('"""', "'''"):
        many = f'{"a." * 60}\n"a." \'# {"b." * 60}'
        text = f"x = {quote}{many}{quote} # {'c.' * 60}\ny.z = '{'d.' * 60}'\n"
        assert toml_text.parse_toml(text) == {"x": many, "y": {"z": "d." * 60}}


STRINGS = [r'"b\""', '"""b""""', '"""b"""""', r'"""\""""""', r'"""b""\""""', "'''b'''''"]


@for_each("string", STRINGS)
def test_string_that_ends_in_quotes_ends_there(string: str) -> None:
    from segcli.core import toml_text

    # The key is found before anything is parsed: the text has a mistake.
    with pytest.raises(toml_text.TooDeep):
        toml_text.parse_toml(f"x = {{a = {string}, {'b.' * 60}c")
    assert toml_text.parse_toml(f"a = {string} # {'b.' * 60}")
    assert set(toml_text.line_numbers(f"a = {string}\nb = 1")) == {("a",), ("b",)}


@for_each("begins", ['"', '"""', "'", "'''"])
def test_long_string_without_an_end_is_refused_in_linear_time(begins: str) -> None:
    from segcli.core import toml_text

    # Where the time grows with the square of the length, each takes more than five minutes.
    for repeated in (r"\n", "\\", '""a', "''a", '"a', "'a", "a.", r"\""):
        with pytest.raises(ValueError, match=r"nested deeper than|\(at "):
            toml_text.parse_toml(f"a = {begins}{repeated * 300_000}")


def test_reported_mistakes_are_limited_to_100(tmp_path: Path) -> None:
    (tmp_path / "acme.json").write_text(json.dumps({f"k{n}": 1 for n in range(20_000)}))
    said = refused(tmp_path / "acme.json").splitlines()

    assert len(said) == 101
    assert said[0].endswith("acme.json has 100 or more mistakes:")


def test_repeated_key_among_very_many_is_found(tmp_path: Path) -> None:
    pairs = ", ".join(f'"k{n}": 1' for n in range(200_000))
    (tmp_path / "acme.json").write_text(f'{{{pairs}, "k199999": 2}}')

    assert "the key 'k199999' appears twice" in refused(tmp_path / "acme.json")
