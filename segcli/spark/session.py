"""The session of Spark: started where there is none, and checked before a job uses it."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from segcli.errors import UsageError
from segcli.spark.task_error import missing_package, raising_run_errors

_OLDEST = (3, 5)
_MODULES = ("pyspark", "pyarrow", "pandas")
# Where Spark does not say how many tasks run at once.
_USUAL_SLOTS = 16
_JAVA_HINT = (
    "Spark 4 needs Java 17 or later, and Spark 3.5 Java 8, 11 or 17. On Debian type: "
    "apt-get install default-jre-headless. If it is somewhere else, set JAVA_HOME to its folder."
)


def check_modules() -> None:
    """Raise UsageError if a package is missing that every job on Spark needs."""
    for name in _MODULES:
        try:
            import_module(name)
        except ImportError:
            raise missing_package(name) from None


def start_session(
    master: str | None, name: str, *, conf: Mapping[str, str], java_home: str | None
) -> Any:
    """Return a session with this configuration; one that runs already, if there is one.

    Raises UsageError if there is no Spark, no Java, or no master.
    """
    check_modules()
    from pyspark.sql import SparkSession  # noqa: PLC0415  # optional, and slow

    builder = SparkSession.builder.appName(name)
    for key, value in conf.items():
        builder = builder.config(key, value)
    if master:
        _check_java(java_home)
        builder = builder.master(master)
    try:
        with raising_run_errors():
            return builder.getOrCreate()
    except Exception as error:
        if "A master URL must be set" in str(error):
            raise UsageError(
                "Spark does not know where to run",
                "Start the job with spark-submit, or add --master 'local[*]' to run it here.",
            ) from None
        raise


def check_session(spark: Any) -> None:
    """Raise UsageError if a session cannot run jobs as promised."""
    version = tuple(int(part) for part in str(spark.version).split(".")[:2])
    if version < _OLDEST:
        raise UsageError(f"Spark {spark.version} is too old", "Spark 3.5 or later is needed.")
    if str(spark.conf.get("spark.speculation", "false")).lower() == "true":
        raise UsageError(
            "spark.speculation is true: Spark would run a task twice at the same time",
            "Set spark.speculation=false for this job.",
        )


def slots_of(spark: Any) -> int:
    """Return how many tasks run at once, as far as Spark knows."""
    try:
        return max(1, int(spark.sparkContext.defaultParallelism))
    except Exception:  # a session of Spark Connect has no context
        return _USUAL_SLOTS


def task_rows(spark: Any, tasks: int) -> Any:
    """Return a DataFrame with the number of each task, each in a partition of its own."""
    return spark.range(0, tasks, 1, tasks)


def partition_keys(spark: Any, partitions: int) -> list[int]:
    """Return a number for each partition, which `repartition(partitions, key)` puts there.

    They are found with Spark's own hash, so they are right in every version.
    """
    from pyspark.sql import functions  # noqa: PLC0415  # optional, and slow

    hashed = functions.expr(f"pmod(hash(id), {partitions})").alias("partition")
    rows = spark.range(0, partitions * 20 + 1000, 1, 1).select("id", hashed)
    found = rows.groupBy("partition").agg(functions.min("id").alias("id")).collect()
    keys = {row.partition: row.id for row in found}
    return [keys[number] for number in range(partitions)]


@contextmanager
def with_conf(spark: Any, conf: Mapping[str, str]) -> Iterator[None]:
    """Change settings of a session during a block."""
    before = {key: spark.conf.get(key, None) for key in conf}
    for key, value in conf.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def _check_java(java_home: str | None) -> None:
    """Raise UsageError if a Spark on this machine would find no Java."""
    if java_home:
        if not os.path.isfile(f"{java_home}/bin/java"):
            raise UsageError(f"JAVA_HOME is {java_home}, which has no bin/java", _JAVA_HINT)
    elif shutil.which("java") is None:
        raise UsageError("Spark needs Java, and there is none on the PATH", _JAVA_HINT)
