"""Errors of tasks: how they reach the driver, and what they say there."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from segcli import errors
from segcli.core.extras import how_to_install
from segcli.errors import InputError, OutputError, SegcliError, Stopped, UsageError

_START, _END = "segcli-error:", ":segcli-error"
_MARKED = re.compile(f"{_START}(.*?){_END}")
_HOW_TO_SHIP = (
    "Executors need Python 3.11 or later with segcli and pyarrow, the same versions as here: set "
    "spark.pyspark.python, or ship an environment with --archives. `segcli guide spark` shows how."
)
_KNOWN: Mapping[str, str] = {
    r"PYTHON_VERSION_MISMATCH|Python in worker has different version": (
        "Spark's executors have another version of Python than this driver"
    ),
    r"No module named '(segcli|pyarrow|pandas|orjson|msgspec)\b": (
        "Spark's executors have no module {0}"
    ),
    r"Cannot run program \"([^\"]+)\"": "Spark's executors cannot run {0}",
}


class TaskError(Exception):
    """An error of the run in a task; its text, which Spark passes on, holds all of it."""

    def __init__(self, error: SegcliError) -> None:
        content = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        super().__init__(f"{error.message} {_START}{json.dumps(content)}{_END}")
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        return TaskError, (self._error,)


@contextmanager
def raising_task_errors() -> Iterator[None]:
    """Let errors of the run leave a task in a form that the driver understands."""
    try:
        yield
    except SegcliError as error:
        raise TaskError(error) from None


@contextmanager
def raising_run_errors() -> Iterator[None]:
    """Turn what Spark raises for a failed job into the error of the run.

    Raises the error of the task, UsageError for executors that cannot run it and for an output that
    exists, Stopped for anything else that Spark says, and a bug in a task as it is.
    """
    try:
        yield
    except SegcliError:
        raise
    except Exception as raised:
        is_of_spark = type(raised).__module__.startswith(("pyspark", "py4j"))
        error = run_error(str(raised)) if is_of_spark else None
        if error is None:
            raise
        raise error from raised


def run_error(said: str) -> SegcliError | None:
    """Return the error of the run for the text of an exception of Spark; None for a bug of ours."""
    if found := _MARKED.search(said):
        content = json.loads(found[1])
        kind = getattr(errors, content["kind"], Stopped)
        error: SegcliError = (kind if kind in _PLAIN else Stopped)(
            content["message"], content["hint"]
        )
        return error
    if "PATH_ALREADY_EXISTS" in said or "already exists" in said:
        path = re.search(r"[Pp]ath (\S+) already exists", said)
        where = path[1] if path else "the output"
        return UsageError(f"{where} exists already", "Name another place: --out PLACE")
    for pattern, problem in _KNOWN.items():
        if found := re.search(pattern, said):
            return UsageError(problem.format(*found.groups()), _HOW_TO_SHIP)
    if "Traceback (most recent call last)" in said:
        return None
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return Stopped(f"Spark stopped the job: {lines[0] if lines else 'without a reason'}")


def missing_package(package: str) -> UsageError:
    """Return the error for a package that is not installed here."""
    if package == "pyspark":
        return UsageError(
            "Spark is not installed here: there is no module pyspark",
            "On EMR, Glue and Databricks it is there: start the job with spark-submit, or in a "
            "notebook. On this machine type: pip install pyspark",
        )
    return UsageError(f"the package {package} is not installed", f"Type: {how_to_install('spark')}")


_PLAIN = frozenset({*UsageError.__subclasses__(), UsageError, InputError, OutputError, Stopped})
