"""Reasons are counted without the values of single events."""

import re

from hypothesis import example, given
from hypothesis import strategies as st
from support.tables import for_each

from segcli.core.reason import LONGEST, code_of, general_reason

VERSION = re.compile(r"/v[0-9]{1,2}(?:\.[0-9])?(?:(?:alpha|beta)[0-9]?)?(?=/)")
PIECES = st.sampled_from(
    [
        *(
            "HTTP 422",
            ": ",
            "{",
            "}",
            "[",
            '"',
            "'",
            "`",
            "\\",
            '\\"',
            "…",
            " ",
            ",",
            ".",
            ":",
            "-",
        ),
        *(
            "17",
            "1,234.5",
            "N",
            "total",
            "can't",
            "a@b.example",
            "u-1",
            "“",
            "”",
            "«",
            "»",
            "٣",
            "\n",
            "/",
            "/v1/",
            "v2beta",
        ),
    ]
)


@for_each(
    ("reason", "general"),
    [
        ("HTTP 422", "HTTP 422"),
        ("HTTP 422: invalid total 17", "HTTP 422: invalid total N"),
        ("HTTP 422: invalid total -1,234.50", "HTTP 422: invalid total N"),
        ("422: invalid total 17.", "422: invalid total N."),
        ("invalid: total 'a b' of \"x\" or `y`", "invalid: total … of … or …"),
        ("HTTP 404: no user 5f1d0c2e-77aa-4a52-9f11-0c2e77aa4a52", "HTTP 404: no user …"),
        ("HTTP 400: ada.l+x@mail.example is not known", "HTTP 400: … is not known"),
        ("HTTP 400: no item at 2026-02-03T10:11:12.000Z", "HTTP 400: no item at …"),
        ("HTTP 400: /contacts/17/email is wrong", "HTTP 400: /contacts/N/email is wrong"),
        ("HTTP 404: no vendor is at /nope/v1/events", "HTTP 404: no vendor is at /nope/v1/events"),
        ("HTTP 404: no path /v2beta/users/u-17", "HTTP 404: no path /v2beta/users/…"),
        (
            "HTTP 404: https://api.example/v19.0/17/events",
            "HTTP 404: https://api.example/v19.0/N/events",
        ),
        ('HTTP 404: {"path":"/api/v1alpha2/users"}', 'HTTP 404: {"path":"/api/v1alpha2/users"}'),
        ("HTTP 404: /v1/users/v7/events/v8", "HTTP 404: /v1/users/…/events/…"),
        ("HTTP 404: no user /users/v7", "HTTP 404: no user /users/…"),
        ("HTTP 404: v1 and /v123/ and /vip1/", "HTTP 404: … and /…/ and /…/"),
        ("HTTP 400: can't take it, isn't an object", "HTTP 400: can't take it, isn't an object"),
        (
            'HTTP 422: {"errors": [{"code": "bad_total", "message": "invalid total 17"}]}',
            'HTTP 422: {"errors": [{"code": "bad_total", "message": "invalid total N"}]}',
        ),
        (
            r'HTTP 422: {"message":"no plan \"gold\" for u-17"}',
            'HTTP 422: {"message":"no plan … for …"}',
        ),
        ("HTTP 413: " + "x" * 200, "HTTP 413: " + "x" * (LONGEST - 11) + "…"),
        ("", ""),
    ],
)
def test_values_of_a_single_event_are_taken_out_of_a_reason(reason: str, general: str) -> None:
    assert general_reason(reason) == general


def test_refusals_that_differ_in_their_values_have_one_reason() -> None:
    reasons = {
        f'HTTP 422: {{"message": "invalid total {n * 17} of \'order {n}\'", "id": "req_{n}"}}'
        for n in range(60)
    }

    assert len(reasons) == 60
    assert len({general_reason(reason) for reason in reasons}) == 1


def test_refusals_of_one_address_that_differ_in_their_ids_have_one_reason() -> None:
    reasons = {f"HTTP 404: /v1/users/{user}/events" for user in ("v1", "v2", "v3beta", "u-4", "5x")}

    assert {general_reason(reason) for reason in reasons} == {"HTTP 404: /v1/users/…/events"}


@given(text=st.lists(PIECES).map("".join) | st.text())
@example(text=("x " * 300 + "'a")[: LONGEST - 6] + " 'ab'cd")
@example(text="'1 2'3")
def test_a_general_reason_is_general(text: str) -> None:
    general = general_reason(text)

    assert general_reason(general) == general
    assert len(general) <= LONGEST
    # Those of the status, and of one version in a path.
    assert sum(map(str.isdigit, VERSION.sub("", general, count=1))) <= 3


@given(text=st.text(alphabet="ab'\"`\\{[1@.,:-", max_size=5000))
def test_no_text_takes_long(text: str) -> None:
    assert len(general_reason(text * 20)) <= LONGEST


@for_each(
    ("state", "reason", "status", "code"),
    [
        ("refused", "HTTP 422: no", 422, "http_422"),
        ("rejected", "userId is required", None, "destination"),
        ("skipped", "blank line", None, "blank"),
        ("skipped", "over --limit", None, "limit"),
        ("skipped", "switched off in integrations", None, "integrations"),
        ("skipped", "not of --where", None, "selection"),
        ("skipped", "without a time for --since and --until", None, "selection"),
        ("skipped", "page is not for gist", None, "type"),
        ("skipped", "no action of acme takes it", None, "destination"),
        ("skipped", "any text of a plug-in 17", None, "destination"),
    ],
)
def test_a_code_is_one_of_a_few(state: str, reason: str, status: int | None, code: str) -> None:
    assert code_of(state, reason, status) == code
