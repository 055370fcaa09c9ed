"""The house has four floors: imports point down, and heavy libraries live in one place each."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from samples import ROOT

PACKAGE = ROOT / "segcli"
VALUES, MAPPING, DELIVERY, CLI = range(4)
# A module, or a package with all that is in it; the nearest name counts.
FLOORS = {
    "segcli": VALUES,
    "segcli.errors": VALUES,
    "segcli.core.event": VALUES,
    "segcli.core.exact_json": VALUES,
    "segcli.core.partial_event": VALUES,
    "segcli.core.reject_record": VALUES,
    "segcli.core.reply": VALUES,
    "segcli.core.item_replies": VALUES,
    "segcli.core.placeholder": VALUES,
    "segcli.core.request_layout": VALUES,
    "segcli.core.secret": VALUES,
    "segcli.core.key_forms": VALUES,
    "segcli.core.redaction": VALUES,
    "segcli.core.destination": VALUES,
    "segcli.core.settings": VALUES,
    "segcli.core.toml_text": VALUES,
    "segcli.core": VALUES,
    "segcli.fql": MAPPING,
    "segcli.lines": DELIVERY,
    "segcli.accounting": DELIVERY,
    "segcli.journal": DELIVERY,
    "segcli.parallel": DELIVERY,
    "segcli.payloads": DELIVERY,
    "segcli.http": DELIVERY,
    "segcli.mapping": MAPPING,
    "segcli.destination_file": MAPPING,
    "segcli.core.selection": MAPPING,
    "segcli.core.outcome": MAPPING,
    "segcli.engage": DELIVERY,
    "segcli.core.trust": MAPPING,
    "segcli.review": DELIVERY,
    "segcli.destinations": MAPPING,
    "segcli.inputs": DELIVERY,
    "segcli.delivery": DELIVERY,
    "segcli.sandbox": DELIVERY,
    "segcli.cli": CLI,
    "segcli.__main__": CLI,
}
PACKAGES = {
    "segcli.core", "segcli.lines", "segcli.accounting", "segcli.journal", "segcli.parallel",
    "segcli.http",
} | {"segcli.engage", "segcli.fql", "segcli.review", "segcli.destinations"} | {
    "segcli.mapping", "segcli.destination_file",
    "segcli.inputs", "segcli.delivery", "segcli.sandbox",
    "segcli.cli",
}  # fmt: skip
HOMES = {
    "httpx": {
        *("segcli.http.client", "segcli.http.transports"),
        *("segcli.http.aiohttp_transport", "segcli.http.proxy"),
        "segcli.http.reply_reader",
    },
    "aiohttp": {
        *("segcli.http.aiohttp_transport", "segcli.http.aiohttp_protocol"),
        "segcli.inputs.object_store",
    },
    "multidict": {
        *("segcli.http.aiohttp_transport", "segcli.http.aiohttp_protocol"),
    },
    "yarl": {"segcli.http.aiohttp_transport"},
    "uvicorn": {"segcli.sandbox"},
    "click": {"segcli.cli"},
    "rich": {"segcli.cli"},
    "fsspec": {"segcli.inputs.object_store"},
    "liquid": {"segcli.mapping.liquid"},
    "backports": {"segcli.inputs.decompress", "segcli.http.decoding"},
    "isal": {"segcli.inputs.decompress"},
}
# What has a clock, a disk, a network or chance in it.
WORLDLY = {
    *("asyncio", "http", "io", "multiprocessing", "os", "pathlib", "random", "secrets", "select"),
    *("shutil", "signal", "socket", "ssl", "subprocess", "sys", "tempfile", "threading", "time"),
}


def module_of(file: Path) -> str:
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def floor_of(module: str) -> int | None:
    """Return the floor that a module is on; None where nobody has given it one."""
    if module in FLOORS:
        return FLOORS[module]
    package = ".".join(module.split(".")[:2])
    return FLOORS[package] if package in PACKAGES else None


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(MODULES[module].read_text())


def imports_of(module: str) -> Iterator[str]:
    """Yield every module that a module imports, at its top, in a function or for types only."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(module, node)


def imported_from(module: str, node: ast.ImportFrom) -> Iterator[str]:
    """Yield what a `from … import …` imports: modules where the names are such."""
    start = ""
    if node.level:
        is_package = MODULES[module].name == "__init__.py"
        parts = module.split(".")
        kept = parts[: len(parts) - node.level + is_package]
        start = ".".join(kept) + ("." if node.module else "")
    origin = start + (node.module or "")
    for name in node.names:
        whole = f"{origin}.{name.name}"
        yield whole if whole in MODULES else origin


def is_in(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_on_a_floor(module: str) -> None:
    assert floor_of(module) is not None, "give it a place in FLOORS, and in the guide architecture"


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_its_own_floor_or_from_below(module: str) -> None:
    own = floor_of(module)
    above = {
        other
        for other in imports_of(module)
        if is_in(other, "segcli") and (floor_of(other) or 0) > (own or 0)
    }

    assert not above


@pytest.mark.parametrize("library", HOMES)
def test_a_heavy_library_is_imported_only_where_it_lives(library: str) -> None:
    users = {module for module in MODULES if any(is_in(i, library) for i in imports_of(module))}

    assert users
    assert all(any(is_in(user, home) for home in HOMES[library]) for user in users), users


@pytest.mark.parametrize("module", MODULES)
def test_no_module_starts_another_python_which_could_import_from_the_working_folder(
    module: str,
) -> None:
    # `os.fork` copies this process, with the import path that it has.
    assert not {name.split(".")[0] for name in imports_of(module)} & {
        "multiprocessing",
        "subprocess",
    }


@pytest.mark.parametrize("module", [m for m in MODULES if floor_of(m) in {VALUES, MAPPING}])
def test_values_and_mapping_have_no_clock_no_disk_and_no_network(module: str) -> None:
    assert not {name.split(".")[0] for name in imports_of(module)} & WORLDLY


@pytest.mark.parametrize("module", [m for m in MODULES if is_in(m, "segcli.sandbox")])
def test_the_sandbox_knows_nothing_of_the_mapping_it_checks(module: str) -> None:
    assert not [other for other in imports_of(module) if floor_of(other) == MAPPING]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_starts_with_a_docstring(module: str) -> None:
    assert ast.get_docstring(tree_of(module))


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_the_standard_library_its_requirements_and_nothing_else(
    module: str,
) -> None:
    # The standard library has had `compression` since 3.14.
    known = sys.stdlib_module_names | HOMES.keys() | {"compression", "msgspec", "orjson", "segcli"}

    assert {name.split(".")[0] for name in imports_of(module)} <= known
