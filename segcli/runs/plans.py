"""The tracking plans that `--plan` names."""

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from segcli.core.extras import how_to_install
from segcli.core.line_error import place_of
from segcli.errors import InputError, UsageError
from segcli.inputs.small_file import read_named

if TYPE_CHECKING:
    from segcli.plan.plan import Plan

# The plans of large companies have some 10 MB.
_MAX_BYTES = 64 * 1024 * 1024


def read_plans(paths: Sequence[Path]) -> list["Plan"]:
    """Return the plans in these files.

    Raises InputError for a file that is no plan, and UsageError without the library for schemas.
    """
    if not paths:
        return []
    if find_spec("jsonschema_rs") is None:
        raise UsageError("--plan needs jsonschema-rs", f"Type: {how_to_install('plan')}")
    from segcli.plan.reading import read_plan  # noqa: PLC0415  # few runs have a plan

    plans = []
    for path in paths:
        if not os.path.exists(path):
            hint = "Check its name, or export the plan: see segcli guide plan"
            raise InputError(f"--plan {path} does not exist", hint)
        try:
            plans.append(read_plan(str(path), read_named(path, max_bytes=_MAX_BYTES)))
        except ValueError as problem:
            hint = "Fix it there, or export the plan again: see segcli guide plan"
            raise InputError(f"--plan {place_of(path, problem)} {problem}", hint) from None
    return plans
