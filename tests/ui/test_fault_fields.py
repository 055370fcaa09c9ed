"""The page offers every kind of fault that the sandbox plays."""

import re

from segcli.sandbox import ITEM, REQUEST_KINDS
from segcli.ui.pages import page
from segcli.ui.sandbox_panel import FAULT_KINDS


def test_page_has_a_field_for_every_kind_and_for_any_status() -> None:
    text = page("app.html", **FAULT_KINDS)
    fields = re.findall(r'data-fault="(\w*)"', text)

    assert fields == ["503", "429", "422", *REQUEST_KINDS, "", ITEM]
    assert 'min="400" max="599"' in text
