"""The session of Spark for a command: started with it, and stopped at its end."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from segcli.errors import UsageError

# Spark's own progress bar would be mixed into what the command prints on stderr.
_CONF = {
    "spark.ui.showConsoleProgress": "false",
}


class SessionOptions(Protocol):
    """The options that say where Spark runs."""

    @property
    def master(self) -> str | None:
        """The master of Spark; None for that of spark-submit."""

    @property
    def conf(self) -> Sequence[str]:
        """Settings of Spark, as `key=value`."""


@contextmanager
def session(name: str, options: SessionOptions) -> Iterator[Any]:
    """Start a session of Spark; stop it at the end of the block. Raises UsageError."""
    from segcli.spark.session import start_session

    if options.master:
        # Executors on this machine run this Python, with the packages that it has.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    conf = _CONF | dict(map(_key_and_value, options.conf))
    java_home = os.environ.get("JAVA_HOME")
    spark = start_session(options.master, name, conf=conf, java_home=java_home)
    spark.sparkContext.setLogLevel("ERROR")
    try:
        yield spark
    finally:
        spark.stop()


def _key_and_value(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError("--conf: a setting has no value", "Type --conf KEY=VALUE")
    return key, value
