"""Fixtures that the tests share."""

import atexit
import gc
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from _pytest.runner import runtestprotocol
from hypothesis.internal.conjecture import providers
from support.fakes import Answer, CommandResult, ReceivedRequest, Vendor, vendor_server
from support.fork_server import (
    TIMEOUT,
    ForkedProcess,
    ForkServer,
    Streams,
    can_be_forked,
    fork_server,
)
from support.samples import ROOT, SAMPLES, Run

from segcli.cli import main
from segcli.sandbox import SandboxServer, Script, running

pytest_plugins = ("support.s3",)

# Objects that are made while tests are found stay: a garbage collection would free nothing.
gc.disable()
# Its caches are no part of the project's folder.
os.environ.setdefault(
    "HYPOTHESIS_STORAGE_DIRECTORY", str(Path(tempfile.gettempdir()) / "segcli-hypothesis")
)
# Folders of tests lie in memory, where there is plenty: hundreds of small files that are synced or
# replaced take several times as long on a disk, and no test depends on what a real one does.
_IN_MEMORY = Path("/dev/shm")
if os.access(_IN_MEMORY, os.W_OK) and shutil.disk_usage(_IN_MEMORY).free > 2 * 1024**3:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(_IN_MEMORY))
# The same examples in every run, so that a red test is red for everybody; and no limit of time,
# which a busy machine would break.
hypothesis.settings.register_profile(
    "segcli",
    deadline=None,
    derandomize=True,
    database=None,
    max_examples=100,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("segcli")
# It also draws constants of the modules that are imported: those depend on the tests that a process
# has run before.
if hasattr(providers, "_get_local_constants"):
    providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite tests/golden/, the documents and the picture instead of comparing them",
    )
    parser.addoption(
        "--kills",
        type=int,
        default=0,
        help="how often to kill each part of a send on Spark, with one and with several actions",
    )


def pytest_configure(config: pytest.Config) -> None:
    if _is_one_of_several(config):
        # Registered first, so called last: to free what thousands of tests leave takes a second.
        atexit.register(_end_at_once, os.getpid())


def _end_at_once(pid: int) -> None:
    # A process that a test forks has an exit code of its own.
    if os.getpid() == pid:
        os._exit(0)


def _is_one_of_several(config: pytest.Config) -> bool:
    """Return whether this process of xdist runs tests for another one, which reports them."""
    return hasattr(config, "workerinput")


def pytest_collection_finish() -> None:
    # No collection visits the tests, and no forked process copies their memory.
    gc.freeze()
    # Collections take long while thousands of tests are in memory, and find little.
    gc.set_threshold(20_000)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """In a process of xdist, do not report that a setup or a teardown passed, if no option asks.

    Two thirds of the reports say so, and to send and count them takes as long as a short test.
    """
    options = item.config.option
    if not _is_one_of_several(item.config) or options.durations is not None or options.xmlpath:
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish() -> None:
    # Collections after this one, of pytest's own, have nothing left to visit.
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Use a process more than there are processors: tests wait for runs and servers."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let a process take over tests from a busier one, unless --dist names another way.

    Half of the tests in a row share a module's fixtures, and no process waits at the end.
    """
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log) if config.getoption("dist") == "load" else None


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected outputs are to be rewritten."""
    return bool(request.config.getoption("--update-golden"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the project."""
    return ROOT


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of the sample events."""
    return SAMPLES


@pytest.fixture(scope="session")
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """This environment with a home of its own, `segcli` on the path, and no say in colours.

    Python may keep what it compiles: otherwise every process could compile all of segcli first.
    """
    unwanted = ("SEGCLI_", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "XDG_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(unwanted)}
    path = os.pathsep.join((str(Path(sys.executable).parent), kept.get("PATH", os.defpath)))
    return kept | {"PATH": path, "HOME": str(tmp_path_factory.mktemp("home"))}


@pytest.fixture(scope="session")
def forking(clean_environment: dict[str, str]) -> Iterator[ForkServer]:
    """Start the process from which runs of `segcli` are forked."""
    with fork_server(clean_environment) as server:
        yield server


@pytest.fixture(scope="session")
def shell_environment(clean_environment: dict[str, str], forking: ForkServer) -> dict[str, str]:
    """The clean environment, for shells: a `segcli` that they run is a forked process."""
    path = f"{forking.commands}{os.pathsep}{clean_environment['PATH']}"
    return clean_environment | {"PATH": path}


@pytest.fixture
def run_segcli(tmp_path: Path, clean_environment: dict[str, str], forking: ForkServer) -> Run:
    """Run `segcli` as a process in an empty folder; both outputs are bytes."""

    def run(
        *arguments: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        words, own = [*map(str, arguments)], env or {}
        env = clean_environment | own
        if can_be_forked(own):
            return forking.run(words, cwd=tmp_path, env=env, streams=Streams(stdin))
        return subprocess.run(
            [sys.executable, "-m", "segcli", *words],
            input=stdin,
            capture_output=True,
            cwd=tmp_path,
            env=env,
            timeout=TIMEOUT,
            check=False,
        )

    return run


@pytest.fixture
def install(tmp_path: Path) -> Callable[..., dict[str, str]]:
    """Install a package with these entry points and modules; return the environment it is in."""
    site = tmp_path / "site-packages"

    def install(entry_points: str, **modules: str) -> dict[str, str]:
        information = site / "segcli_acme-1.0.dist-info"
        information.mkdir(parents=True)
        metadata = "Metadata-Version: 2.1\nName: segcli-acme\nVersion: 1.0\n"
        (information / "METADATA").write_text(metadata)
        points = f"[segcli.destinations]\n{entry_points}\n"
        (information / "entry_points.txt").write_text(points)
        shutil.copy(ROOT / "tests" / "support" / "acme.py", site)
        for name, code in modules.items():
            (site / f"{name}.py").write_text(code)
        return {"PYTHONPATH": str(site)}

    return install


# sending


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., SandboxServer]]:
    """Start a sandbox with a script of the test's own; it remembers what it accepts."""
    with ExitStack() as stack:

        def start(**script: Any) -> SandboxServer:
            return stack.enter_context(running(Script(**({"remember": True} | script))))

        yield start


@pytest.fixture
def vendor() -> Iterator[Callable[[Callable[[ReceivedRequest], Answer]], Vendor]]:
    """Start a server that answers as the test says, for what the sandbox does not say."""
    with ExitStack() as stack:
        yield lambda answers: stack.enter_context(vendor_server(answers))


@pytest.fixture
def segcli(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., CommandResult]:
    """Run a command in this process, in an empty folder, with no setting of the machine's.

    After a fault it waits a twentieth of the time.
    """
    monkeypatch.setattr("segcli.delivery.retry._FIRST_WAIT", 0.025)
    screen = {"FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS"}
    for name in [name for name in os.environ if name.startswith("SEGCLI_") or name in screen]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> CommandResult:
        capsys.readouterr()
        words = [str(argument) for argument in arguments]
        monkeypatch.setattr("sys.argv", ["segcli", *words])
        with pytest.raises(SystemExit) as ended:
            main(words)
        return CommandResult(int(ended.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def events(tmp_path: Path) -> Callable[..., Path]:
    """Write lines to a file."""

    def write(*lines: bytes, name: str = "events.jsonl") -> Path:
        file = tmp_path / name
        file.write_bytes(b"".join(line + b"\n" for line in lines))
        return file

    return write


@pytest.fixture
def memory() -> Iterator[object]:
    """Return the file system of fsspec that is this process's memory, empty."""
    import fsspec

    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pseudo_dirs[:] = [""]
    yield store
    store.store.clear()
    store.pseudo_dirs[:] = [""]


@pytest.fixture
def spawn(
    tmp_path: Path, clean_environment: dict[str, str], forking: ForkServer
) -> Iterator[Callable[..., ForkedProcess]]:
    """Start `segcli` as a forked process in an empty folder; it ends with the test."""
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with ExitStack() as stack:

        def start(*arguments: object, **more: Any) -> ForkedProcess:
            words = [*map(str, arguments)]
            process = forking.start(words, cwd=tmp_path, env=clean_environment | home, **more)
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.fixture
def spawn_python(
    tmp_path: Path, clean_environment: dict[str, str]
) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:
    """Start `segcli` as a new process of Python, for tests of its start; it ends with the test."""
    home = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")}
    with ExitStack() as stack:

        def start(*arguments: object, **more: Any) -> "subprocess.Popen[str]":
            process = subprocess.Popen(
                [sys.executable, "-m", "segcli", *map(str, arguments)],
                cwd=tmp_path,
                env=clean_environment | home,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                **more,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start
