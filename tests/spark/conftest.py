"""A session of Spark for all tests of a process, and an archive with everything that goes wrong."""

import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from support.archives import Archive, write_archive
from support.fakes import CommandResult


def _reason_to_skip() -> str:
    """Return why there can be no Spark here; empty if there can."""
    try:
        import pyarrow
        import pyspark

        del pyarrow, pyspark
    except ImportError as error:
        return f"there is no {error.name}"
    return "" if shutil.which("java") else "there is no Java"


def pytest_configure(config: pytest.Config) -> None:
    """Let pyspark leave sockets to the garbage collector also at the end of all tests."""
    if config.option.markexpr == "spark":
        ignored = "ignore::pytest.PytestUnraisableExceptionWarning"
        config.addinivalue_line("filterwarnings", ignored)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pyspark leave sockets to the garbage collector, and use what is deprecated."""
    for item in items:
        if item.get_closest_marker("spark"):
            item.add_marker(pytest.mark.filterwarnings("ignore"))


@pytest.fixture(scope="session")
def events_of_spark(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of Spark's own logs of events."""
    return tmp_path_factory.mktemp("spark-events")


@pytest.fixture(scope="session")
def spark(events_of_spark: Path) -> Iterator[Any]:
    """Return a session of Spark with two slots in this process."""
    if reason := _reason_to_skip():
        pytest.skip(reason)
    from pyspark.sql import SparkSession

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PYSPARK_PYTHON", sys.executable)
        patched.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        session = (
            SparkSession.builder.master("local[2]")
            .config("spark.ui.enabled", "false")
            .config("spark.ui.showConsoleProgress", "false")
            .config("spark.sql.shuffle.partitions", "4")
            .config("spark.driver.memory", "1g")
            # Small jobs take half the time if Java compiles less of them.
            .config("spark.sql.codegen.wholeStage", "false")
            .config("spark.sql.codegen.factoryMode", "NO_CODEGEN")
            .config("spark.sql.adaptive.enabled", "false")
            .config("spark.driver.extraJavaOptions", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")
            .config("spark.eventLog.enabled", "true")
            .config("spark.eventLog.dir", events_of_spark.as_uri())
            .getOrCreate()
        )
        session.sparkContext.setLogLevel("OFF")
        yield session
        session.stop()


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    """Return a folder of gzip files in folders of days, with hostile lines and a cut file."""
    return write_archive(tmp_path_factory.mktemp("archive"))


@pytest.fixture
def on_spark(
    spark: Any, segcli: Callable[..., CommandResult], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CommandResult]:
    """Run a command of `segcli spark` in the session of the tests."""

    @contextmanager
    def session(*_: object) -> Iterator[Any]:
        yield spark

    monkeypatch.setattr("segcli.cli.commands.spark.session", session)
    return lambda *words: segcli("spark", *words)
