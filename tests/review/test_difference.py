"""Two JSON values differ exactly if their canonical texts differ."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from segcli.review.golden import differences

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(JSON)
def test_a_value_does_not_differ_from_itself(value: Any) -> None:
    assert not list(differences(value, json.loads(json.dumps(value))))


@given(JSON, JSON)
def test_difference_is_symmetric(golden: Any, now: Any) -> None:
    there, back = list(differences(golden, now)), list(differences(now, golden))

    assert bool(there) == bool(back) == (canonical(golden) != canonical(now))
    assert {one.path for one in there} == {one.path for one in back}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
