"""No command imports code from the working folder or from the folder of an input."""

import importlib.metadata
import os
import pkgutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from support.compression import gz, zst
from support.fakes import PATIENCE, tracks, write_events
from support.fork_server import ForkServer, fork_server
from support.stores import web_server

INTERPRETER = Path(sys.executable)
CONSOLE_SCRIPT = [str(INTERPRETER.with_name("segcli"))]
MODULE = [str(INTERPRETER), "-m", "segcli"]

# What libraries try to import and go without.
OPTIONAL = {
    *("brotli", "brotlicffi", "colorama", "h2", "httptools", "pythoncom", "sniffio", "socks"),
    *("sitecustomize", "trio", "usercustomize", "uvloop", "watchfiles", "websockets", "wsproto"),
}
# A trap imports nothing, since that could spring another one.
TRAP = """
with open(__file__.rpartition("/")[0] + "/../sprung", "a") as file:
    file.write(__name__ + "\\n")
"""
ACME = """
name = "acme"
[settings.api_key]
secret = true
required = true
[request]
url = "https://api.acme.example/v1"
auth = { bearer = "{settings.api_key}" }
[[actions]]
subscribe = 'type = "track"'
mapping = { name = { "@liquid" = "{{ event | upcase }}" } }
"""


@dataclass(frozen=True, slots=True)
class TrapFolders:
    """Two folders with traps, `here` and `inputs`, and the file that lists sprung traps."""

    here: Path
    inputs: Path
    sprung: Path

    def imported(self) -> list[str]:
        return self.sprung.read_text().split() if self.sprung.exists() else []


@cache
def importable() -> frozenset[str]:
    """Return the names of all modules that could be imported, and more."""
    found = {module.name for module in pkgutil.iter_modules()}
    names = found | {*sys.stdlib_module_names, *importlib.metadata.packages_distributions()}
    return frozenset(name for name in names | OPTIONAL | {"plug_in"} if name.isidentifier())


@pytest.fixture(scope="module")
def loaded_before_segcli(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return what Python itself has imported before `python -m` looks for a module."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "bare.py").write_text("import sys; print(*sys.modules)")
    command = [sys.executable, "-m", "bare"]
    said = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in said.stdout.split()}


@pytest.fixture(scope="module")
def trap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that every trap is a link to."""
    trap = tmp_path_factory.mktemp("trap") / "trap.py"
    trap.write_text(TRAP)
    return trap


@pytest.fixture(scope="module")
def laid_traps(tmp_path_factory: pytest.TempPathFactory, trap: Path) -> TrapFolders:
    """Lay traps, and put inputs of every kind beside them: once, they are a thousand files."""
    return laid(tmp_path_factory.mktemp("traps"), trap)


@pytest.fixture(scope="module")
def laid_traps_for_module(
    tmp_path_factory: pytest.TempPathFactory, trap: Path, loaded_before_segcli: set[str]
) -> TrapFolders:
    """Lay traps, without those that `python -m` itself would spring."""
    place = laid(tmp_path_factory.mktemp("traps"), trap)
    for name in loaded_before_segcli | {"segcli"}:
        (place.here / f"{name}.py").unlink(missing_ok=True)
    return place


@pytest.fixture
def place(laid_traps: TrapFolders) -> TrapFolders:
    """Return folders with traps of which none is sprung."""
    laid_traps.sprung.unlink(missing_ok=True)
    return laid_traps


@pytest.fixture
def place_for_module(laid_traps_for_module: TrapFolders) -> TrapFolders:
    """Return such folders for `python -m`."""
    laid_traps_for_module.sprung.unlink(missing_ok=True)
    return laid_traps_for_module


def laid(folder: Path, trap: Path) -> TrapFolders:
    place = TrapFolders(folder / "here", folder / "inputs", folder / "sprung")
    for one in (place.here, place.inputs):
        one.mkdir()
        for name in importable():
            os.link(trap, one / f"{name}.py")
        information = one / "plug_in-1.0.dist-info"
        information.mkdir()
        (information / "METADATA").write_text("Name: plug-in\nVersion: 1.0\n")
        (information / "entry_points.txt").write_text("[segcli.destinations]\nbad = plug_in:bad\n")
    text = write_events(place.inputs / "events.jsonl", tracks(20)).read_bytes()
    (place.inputs / "archive").mkdir()
    for path in (place.inputs / "events.gz", place.inputs / "archive" / "events.gz"):
        path.write_bytes(gz(text))
    (place.inputs / "events.zst").write_bytes(zst(text))
    (place.inputs / "members.csv").write_text("userId,email,value\nu1,u1@example.com,7\n")
    (place.inputs / "acme.toml").write_text(ACME)
    (place.here / "golden").write_text("")
    return place


Segcli = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(params=["segcli", "python -m segcli"])
def start(request: pytest.FixtureRequest, environment: dict[str, str]) -> "Start":
    """Return how to start segcli, and the folders with traps for that."""
    if request.param == "segcli":
        return Start(CONSOLE_SCRIPT, request.getfixturevalue("place"), environment)
    return Start(MODULE, request.getfixturevalue("place_for_module"), environment)


@pytest.fixture
def environment(clean_environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    kept = {name: text for name, text in clean_environment.items() if "PYTHON" not in name}
    return kept | {"HOME": str(tmp_path), "SEGCLI_ACME_API_KEY": "sk_live_8f2b61c0d9e74a53"}


@dataclass(frozen=True, slots=True)
class Start:
    """Starts Python for segcli among traps."""

    command: list[str]
    place: TrapFolders
    environment: dict[str, str]

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*self.command, *words],
            cwd=self.place.here,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


# Waits after a fault are short.
SHORT_WAITS = {"segcli.delivery.retry._FIRST_WAIT": 0.025}
INPUTS = ["{inputs}/events.jsonl", "{inputs}/events.gz", "{inputs}/events.zst"]
SEND = ["send", "--sandbox", "--fault", "503:20%", "--seed", "7"]
AUDIENCE = ["engage", "audience", "Big", "{inputs}/members.csv", "-d", "plotline"]
COMMANDS = {
    "help": ["--help"],
    "transform": ["transform", "--jobs", "2", *INPUTS],
    "transform a folder": ["transform", "--jobs", "2", "{inputs}/archive"],
    "transform with a file": ["transform", "-d", "{inputs}/acme.toml", *INPUTS],
    "transform some": ["transform", "--where", 'event = "Tested"', "--since", "7d", *INPUTS],
    "check": ["check", "--jobs", "2", "-d", "gist", *INPUTS],
    "check for a CI system": ["check", "--format", "junit", "--expect", "{here}/golden", *INPUTS],
    "check a mapping": ["check", "-d", "{inputs}/acme.toml", *INPUTS],
    "send": [*SEND, "-d", "gist", "--journal", "{home}/j", "--report", "{home}/r", *INPUTS],
    "send over httpx": [*SEND, "-d", "segment", "--http-transport", "httpx", *INPUTS],
    "send with a file": [*SEND, "-d", "{inputs}/acme.toml", *INPUTS],
    "engage dry": [*AUDIENCE, "--dry-run"],
    "engage": [*AUDIENCE, "--sandbox"],
    "engage status": ["engage", "status"],
    "destinations": ["destinations"],
    "one destination": ["destinations", "{inputs}/acme.toml"],
    "guides": ["guide"],
    "one guide": ["guide", "sandbox"],
}


@pytest.fixture(scope="module")
def loaded_among_traps(
    tmp_path_factory: pytest.TempPathFactory, trap: Path, clean_environment: dict[str, str]
) -> Iterator[tuple[ForkServer, TrapFolders]]:
    """Start a process that imports segcli while traps are in its working folder."""
    place = laid(tmp_path_factory.mktemp("loaded"), trap)
    kept = {name: text for name, text in clean_environment.items() if "PYTHON" not in name}
    with fork_server(kept, place.here) as server:
        yield server, place


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
@pytest.mark.parametrize("how", ["segcli", "python -m segcli"])
def test_no_command_imports_from_the_working_or_input_folder(
    how: str,
    words: list[str],
    loaded_among_traps: tuple[ForkServer, TrapFolders],
    environment: dict[str, str],
    request: pytest.FixtureRequest,
) -> None:
    # Forked from a process that imported segcli among traps too. What the command imports besides
    # is imported among these.
    server, loaded = loaded_among_traps
    if how == "segcli":
        place = request.getfixturevalue("place")
    else:
        server, place = server.for_module(), request.getfixturevalue("place_for_module")
    words = filled(words, place, environment)
    process = server.start(words, cwd=place.here, env=environment, constants=SHORT_WAITS)
    _, err = process.communicate(timeout=PATIENCE)

    assert loaded.imported() == []
    assert place.imported() == []
    assert "Traceback" not in err
    assert process.returncode in (0, 1), err


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["transform", "--jobs", "2", *INPUTS],
        ["send", "--sandbox", "-d", "gist", *INPUTS],
    ],
    ids=["help", "transform", "send"],
)
def test_started_segcli_imports_nothing_from_the_working_or_input_folder(
    words: list[str], start: Start
) -> None:
    said = start.run(*filled(words, start.place, start.environment))

    assert start.place.imported() == []
    assert "Traceback" not in said.stderr
    assert said.returncode in (0, 1), said.stderr


def filled(words: list[str], place: TrapFolders, environment: dict[str, str]) -> list[str]:
    folders = {"here": place.here, "inputs": place.inputs, "home": environment["HOME"]}
    return [word.format(**folders) for word in words]


def test_reading_a_web_input_imports_nothing_from_the_working_folder(start: Start) -> None:
    with web_server() as web:
        web.files["/events.gz"] = (start.place.inputs / "events.gz").read_bytes()
        said = start.run("transform", f"{web.url}/events.gz")

    assert start.place.imported() == []
    assert said.returncode == 0, said.stderr
    assert said.stdout.count("\n") == 20


def test_sandbox_imports_nothing_from_the_working_folder(start: Start) -> None:
    with subprocess.Popen(
        [*start.command, "sandbox", "--port", "0"],
        cwd=start.place.here,
        env=start.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert "listens at" in process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=PATIENCE)

    assert start.place.imported() == []
    assert process.returncode == 0


def test_pythonpath_of_the_user_is_kept(
    install: Callable[..., dict[str, str]], environment: dict[str, str]
) -> None:
    path = install("acme = acme:ACME")
    said = subprocess.run(
        [*MODULE, "destinations"],
        cwd=path["PYTHONPATH"],
        env=environment | path,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "acme" in said.stdout


def test_import_trap_records_its_import(place: TrapFolders) -> None:
    # A file: for `-c` newer versions of Python import `linecache`, which is a trap too.
    program = place.here / "program_of_the_user.py"
    program.write_text("import yarl, plug_in")
    subprocess.run([sys.executable, program], cwd=place.here, check=True)

    assert place.imported() == ["yarl", "plug_in"]
