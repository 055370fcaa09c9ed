"""All that names the kinds of faults names those that can be played."""

import re

import pytest

from segcli.sandbox import FAULT_EXAMPLES, ITEM, REQUEST_KINDS, STATUSES, Fault, parse_fault

KINDS = {*REQUEST_KINDS, ITEM}


def test_examples_have_one_of_every_kind() -> None:
    kinds = [parse_fault(text).kind for text in FAULT_EXAMPLES.split(", ")]

    assert {kind for kind in kinds if not kind.isdigit()} == KINDS
    assert {int(kind) for kind in kinds if kind.isdigit()} <= set(STATUSES)


def test_error_about_an_unknown_kind_names_all_kinds() -> None:
    with pytest.raises(ValueError, match="type a status from 400 to 599, ") as raised:
        Fault("boo", 0.5)

    assert set(re.findall(r"\w+", str(raised.value))) >= KINDS
