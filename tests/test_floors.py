"""The architecture as a test: each room is on a floor, imports point down, without cycles."""

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

import pytest
from support.samples import ROOT
from support.tables import for_each

Node = TypeVar("Node", bound=ast.AST)
PACKAGE = ROOT / "segcli"
# From the bottom up. A room imports from the floors below its own, and from no other room of it.
FLOORS: tuple[frozenset[str], ...] = (
    frozenset({"catalog", "descriptors", "errors", "fql", "logs"}),
    frozenset({"core"}),
    frozenset({"accounting", "http", "inputs", "local_server", "mapping", "plan", "replay"}),
    frozenset({"field_types"}),
    frozenset({"capture", "destination_file", "lines", "sandbox"}),
    frozenset({"destinations"}),
    frozenset({"destination_source", "environment", "journal", "parallel", "settings_file"}),
    frozenset({"job_spec", "shared_journal"}),
    frozenset({"delivery", "engage", "payloads", "review"}),
    frozenset({"runs"}),
    frozenset({"api", "spark", "ui"}),
    frozenset({"guides", "cli"}),
    frozenset({"__main__"}),
)
FLOOR_OF: Mapping[str, int] = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
# These have no clock, no disk, no network and no chance in them.
PURE = frozenset(
    {
        "core",
        "fql",
        "job_spec",
        "mapping",
        "field_types",
        "destinations",
        "destination_file",
        "plan",
        "replay",
    }
)
AIOHTTP = frozenset({"segcli.http.aiohttp_transport", "segcli.http.aiohttp_protocol"})
HOMES: Mapping[str, frozenset[str]] = {
    "httpcore": frozenset({"segcli.http.httpx_heads"}),
    "httpx": frozenset({"segcli.http.httpx_heads", "segcli.http.httpx_transport"}),
    "aiohttp": AIOHTTP | {"segcli.inputs.object_store"},
    "multidict": AIOHTTP,
    "yarl": AIOHTTP,
    "certifi": frozenset({"segcli.http.transports"}),
    "idna": frozenset({"segcli.http.address"}),
    "uvicorn": frozenset({"segcli.local_server"}),
    "click": frozenset({"segcli.cli"}),
    "rich": frozenset({"segcli.cli"}),
    "fsspec": frozenset({"segcli.inputs.object_store"}),
    "liquid": frozenset({"segcli.mapping.liquid"}),
    "phonenumbers": frozenset({"segcli.mapping.directives.phone"}),
    "jsonschema_rs": frozenset({"segcli.plan.schema"}),
    "backports": frozenset({"segcli.inputs.decompress", "segcli.http.decoding"}),
    "pyspark": frozenset({"segcli.spark"}),
    "pyarrow": frozenset({"segcli.spark"}),
    "jinja2": frozenset({"segcli.ui.pages"}),
    "markupsafe": frozenset({"segcli.ui.pages"}),
    "starlette": frozenset({"segcli.ui.routes"}),
    "tree_sitter": frozenset({"segcli.ui.positions"}),
    "tree_sitter_json": frozenset({"segcli.ui.positions"}),
    "tree_sitter_toml": frozenset({"segcli.ui.positions"}),
    "vl_convert": frozenset({"segcli.ui.plots"}),
    "isal": frozenset({"segcli.inputs.decompress"}),
}
# The command that a user types to be captured is the user's own, and is run as it was typed.
RUNS_THE_USERS_COMMAND = "segcli.capture.user_command"
WORLDLY = {
    *("asyncio", "http", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "select"),
    *("shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
}


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def room_of(module: str) -> str:
    """Return the room of a module; the package itself is the public face, and in none."""
    _, _, rest = module.partition(".")
    return rest.partition(".")[0]


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


@cache
def _nodes_by_type(module: str) -> Mapping[type[ast.AST], list[ast.AST]]:
    found: defaultdict[type[ast.AST], list[ast.AST]] = defaultdict(list)
    for node in ast.walk(tree_of(module)):
        found[type(node)].append(node)
    return found


def nodes_of(module: str, kind: type[Node]) -> list[Node]:
    """Return the nodes of one type in a module. To walk through all modules takes half a second."""
    return cast("list[Node]", _nodes_by_type(module).get(kind, []))


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return every module that a module imports, at its top, in a function or for types only."""
    return frozenset(_imports_in(module))


def _imports_in(module: str) -> Iterator[str]:
    for plain in nodes_of(module, ast.Import):
        yield from (name.name for name in plain.names)
    for node in nodes_of(module, ast.ImportFrom):
        assert not node.level, "imports are absolute, so that each can be found by its text"
        for name in node.names:
            whole = f"{node.module}.{name.name}"
            yield whole if whole in MODULES else str(node.module)


def own_imports_of(module: str) -> set[str]:
    return {other for other in imports_of(module) if other in MODULES} - {module}


def is_in(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


def circles() -> Iterator[set[str]]:
    """Yield the modules of each circle of imports.

    The public face is in none: it imports nothing but for type checkers, and only its version is
    imported from it.
    """
    reached = {module: own_imports_of(module) - {"segcli"} for module in MODULES}
    for _ in MODULES:
        more = {
            module: found.union(*(reached[other] for other in found))
            for module, found in reached.items()
        }
        if more == reached:
            break
        reached = more
    for module, found in reached.items():
        if module in found:
            yield {other for other in found if module in reached[other]}


def top_names(module: str) -> set[str]:
    """Return the top package of every import of a module."""
    return {name.split(".")[0] for name in imports_of(module)}


def in_rooms(*rooms: str) -> list[str]:
    return [module for module in MODULES if room_of(module) in rooms]


# Each test collects the modules that break its rule, so that a failure names all of them.


def test_every_module_is_in_a_room_that_stands_on_a_floor() -> None:
    homeless = [m for m in MODULES if m != "segcli" and room_of(m) not in FLOOR_OF]

    assert not homeless, "give the room a floor here, and a line in the guide"


# These need programs besides Python, and are run on request.
TESTS_OF_NO_ROOM = {"browser", "clients"}


def test_tests_are_in_folders_with_the_names_of_the_rooms() -> None:
    folders = {file.parent.name for file in (ROOT / "tests").glob("*/test_*.py")}
    rooms = {room_of(module) for module in MODULES if MODULES[module].parent != PACKAGE}

    assert folders <= FLOOR_OF.keys() | TESTS_OF_NO_ROOM
    assert rooms <= folders


def test_room_imports_only_from_lower_floors() -> None:
    wrong = {
        module: above
        for module in MODULES
        if module != "segcli" and (above := rooms_imported_from_above(module))
    }

    assert not wrong


def rooms_imported_from_above(module: str) -> set[str]:
    """Return the rooms that a module imports and that are not on a floor below its own."""
    own = room_of(module)
    others = {room_of(other) for other in own_imports_of(module)} - {own, ""}
    return {other for other in others if FLOOR_OF[other] >= FLOOR_OF[own]}


def test_there_is_no_import_cycle() -> None:
    assert not list(circles())


def test_nothing_but_the_version_is_imported_from_the_public_face() -> None:
    taken = {
        name.name
        for module in MODULES
        for node in nodes_of(module, ast.ImportFrom)
        if node.module == "segcli"
        for name in node.names
        if f"segcli.{name.name}" not in MODULES
    }
    assert taken == {"__version__"}


@for_each("library", HOMES)
def test_heavy_library_is_imported_only_in_its_home_modules(library: str) -> None:
    users = {module for module in MODULES if any(is_in(i, library) for i in imports_of(module))}

    assert users
    assert all(any(is_in(user, home) for home in HOMES[library]) for user in users), users


def test_no_module_starts_another_python_process() -> None:
    # `os.fork` copies this process, with the import path that it has.
    others = [module for module in MODULES if module != RUNS_THE_USERS_COMMAND]

    assert len(others) == len(MODULES) - 1
    assert not [m for m in others if top_names(m) & {"multiprocessing", "subprocess"}]


def test_capture_command_module_starts_only_the_users_command() -> None:
    started = [
        node
        for node in nodes_of(RUNS_THE_USERS_COMMAND, ast.Call)
        if ast.unparse(node.func).startswith(("subprocess", "os."))
    ]

    calls = [ast.unparse(node) for node in started if "Popen" in ast.unparse(node.func)]
    assert calls == ["subprocess.Popen(words, env=environment)"]
    assert {ast.unparse(node.func) for node in started} == {
        *("subprocess.Popen", "os.kill", "os.open", "os.close", "os.tcgetpgrp", "os.getpgrp"),
    }


def test_capture_imports_no_destination() -> None:
    known = {"", "capture", "accounting", "core", "local_server"}
    modules = in_rooms("capture")

    assert modules
    assert not [m for m in modules if {room_of(other) for other in own_imports_of(m)} - known]


@pytest.mark.parametrize("module", ["segcli.capture.finish", "segcli.capture.stable"])
def test_completing_an_event_uses_no_clock_and_no_disk(module: str) -> None:
    assert not top_names(module) & WORLDLY


@for_each("room", sorted(PURE))
def test_pure_rooms_use_no_clock_no_disk_and_no_network(room: str) -> None:
    modules = in_rooms(room)

    assert modules
    assert not [module for module in modules if top_names(module) & WORLDLY]


def test_sandbox_imports_no_mapping() -> None:
    mapping = {"mapping", "destinations", "destination_file"}
    modules = in_rooms("sandbox")

    assert modules
    assert not [m for m in modules if {room_of(other) for other in own_imports_of(m)} & mapping]


def test_every_module_starts_with_a_docstring() -> None:
    assert not [module for module in MODULES if not ast.get_docstring(tree_of(module))]


# The modules of a family have the same names on purpose, and so has the stand-in of a vendor.
_FAMILIES = {
    "segcli.cli.commands": "commands",
    "segcli.cli.formats": "formats",
    "segcli.destinations": "vendors",
    "segcli.sandbox.vendors": "vendors",
}
# Programs and notebooks find the commands under the names that they have on the command line.
_FACES = {"segcli.api", "segcli.payloads", "segcli.spark.notebook"}


def public_names_of(module: str) -> set[str]:
    """Return the names that a module defines at its top, without `_`."""
    found: set[str] = set()
    for node in tree_of(module).body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                found.add(node.name)
            case ast.Assign():
                found |= {target.id for target in node.targets if isinstance(target, ast.Name)}
            case ast.AnnAssign(target=ast.Name() as target):
                found.add(target.id)
    return {name for name in found if not name.startswith("_")} - {"TYPE_CHECKING"}


def test_a_public_name_is_defined_in_one_module() -> None:
    homes: defaultdict[str, set[str]] = defaultdict(set)
    for module in MODULES:
        home = _FAMILIES.get(module.rpartition(".")[0], module)
        for name in public_names_of(module) if module not in _FACES else ():
            homes[name].add(home)

    assert homes
    assert not {name: modules for name, modules in homes.items() if len(modules) > 1}


def test_modules_import_only_the_standard_library_and_requirements() -> None:
    # The standard library has had `compression` since 3.14.
    known = sys.stdlib_module_names | HOMES.keys() | {"compression", "msgspec", "orjson", "segcli"}

    assert not {m: unknown for m in MODULES if (unknown := top_names(m) - known)}


# What reads the surroundings of a process, or changes how it takes signals.
_ASKS = {
    *("environ", "getenv", "getcwd", "cwd", "expanduser", "argv", "getproxies", "proxy_bypass"),
    *("add_signal_handler", "signal.signal"),
}
_LAST_WORDS = {name.rpartition(".")[2] for name in _ASKS}
# Each of these does so only if its caller asks for it, or in a process that it has started.
_ASKED = {
    "segcli.delivery.shutdown": {"add_signal_handler"},
    "segcli.environment": {"environ"},
    "segcli.http.network": {"getproxies", "proxy_bypass"},
    "segcli.parallel.worker_pool": {"signal.signal"},
    # What a task finds on its executor, where the command line or a program has sent it.
    "segcli.spark.executor": {"environ"},
}


def asked_by(module: str) -> set[str]:
    """Return what a module asks of the process: names of `_ASKS`."""
    attributes = [one for one in nodes_of(module, ast.Attribute) if one.attr in _LAST_WORDS]
    found = {text for one in attributes for text in (one.attr, ast.unparse(one))}
    found |= {one.id for one in nodes_of(module, ast.Name)}
    for node in nodes_of(module, ast.ImportFrom):
        if node.module in {"os", "sys", "urllib.request"}:
            found |= {name.name for name in node.names}
    return found & _ASKS


def test_no_room_below_the_command_line_reads_the_process_unasked() -> None:
    below = [m for m in MODULES if room_of(m) not in {"cli", "capture", "__main__"}]

    assert {m: asked for m in below if (asked := asked_by(m))} == _ASKED


def test_no_module_waits_in_a_way_that_refuses_large_descriptors() -> None:
    # `select.select` raises ValueError for descriptors of 1024 and more.
    found = [
        module
        for module in MODULES
        if "select.select" in {ast.unparse(one) for one in nodes_of(module, ast.Attribute)}
        or "select" in {node.module for node in nodes_of(module, ast.ImportFrom)}
    ]

    assert not found, "wait with `segcli.descriptors`"


def test_paths_are_tested_by_functions_that_raise_nothing() -> None:
    # `Path.exists()` and its like raise OSError for names that are too long or not permitted.
    raising = {"exists", "is_file", "is_dir"}
    found = {
        module: node.func.attr
        for module in MODULES
        if room_of(module) not in PURE
        for node in nodes_of(module, ast.Call)
        if isinstance(node.func, ast.Attribute)
        if node.func.attr in raising
        if ast.unparse(node.func.value) != "os.path"
    }

    assert not found
