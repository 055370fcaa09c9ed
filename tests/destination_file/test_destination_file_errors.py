"""All mistakes in a destination file are reported together, each with its key."""

from typing import Any

import pytest
from support.destination_file import ACME, changed, mistakes_in
from support.destination_file_errors import MISTAKES, ROUTED
from support.samples import EXAMPLES
from support.tables import for_each

from segcli.destination_source import read_destination


@for_each(
    ("changes", "said"),
    MISTAKES,
)
def test_mistake_is_reported_with_its_key(changes: dict[str, Any], said: list[str]) -> None:
    assert mistakes_in(changed(ACME, changes)) == said


def test_base_description_has_no_mistake() -> None:
    assert mistakes_in(ACME) == []
    assert mistakes_in(changed(ACME, ROUTED)) == []


def test_all_mistakes_are_reported_together() -> None:
    alone = [change for change, said in MISTAKES if len(said) == 1]
    picked = [
        {"limits": {"rate": 0}},
        {"request.method": "HEAD"},
        {"actions.0.subscribe": 'type = "trak"'},
        {"settings.class": {}},
        {"reply": {"retry": [99]}},
        {"batch": {"events": 0}},
        {"lable": "x"},
    ]
    assert all(one in alone for one in picked[:-1])
    said = mistakes_in(changed(ACME, {key: to for change in picked for key, to in change.items()}))

    assert len(said) == 7
    assert {line.partition(":")[0] for line in said} == {
        "limits.rate", "request.method", "actions[0].subscribe", "settings.class",
        "reply.retry[0]", "batch.events", "lable",
    }  # fmt: skip


def test_a_value_that_may_be_a_key_is_never_shown() -> None:
    secret = "sk_live_8f2b61c0d9e74a53"
    for path in (
        *("settings.api_key", "settings.api_key.default", "request.url", "request.auth"),
        *("request.auth.bearer", "request.method", "batch", "actions.0.route"),
    ):
        said = mistakes_in(changed(ACME, {path: secret}))
        assert said, path
        assert secret not in str(said), path


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_have_no_mistake(name: str) -> None:
    assert read_destination(str(EXAMPLES[name])).name == name
