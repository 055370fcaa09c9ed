"""Fields of actions, as hypothesis makes them."""

from hypothesis import strategies as st
from support.event_strategies import values

from segcli.field_types import FIELD_KINDS, TEXT_FORMATS

ENTRIES = st.recursive(
    st.builds(
        lambda kind, words: " ".join([kind, *words]),
        st.sampled_from(FIELD_KINDS),
        st.lists(st.sampled_from(["required", "multiple", "null", *TEXT_FORMATS]), max_size=3),
    )
    | st.fixed_dictionaries(
        {"type": st.sampled_from(FIELD_KINDS)},
        optional={
            "multiple": st.booleans(),
            "allowNull": st.booleans(),
            "choices": st.lists(values.filter(lambda one: isinstance(one, str | int)), max_size=3),
            "minimum": st.integers(0, 3),
            "required": st.booleans()
            | st.fixed_dictionaries(
                {
                    "conditions": st.lists(
                        st.fixed_dictionaries(
                            {
                                "fieldKey": st.sampled_from("ab"),
                                "operator": st.sampled_from(["is", "is_not"]),
                            },
                            optional={"value": st.sampled_from(["x", 0, None])},
                        ),
                        min_size=1,
                        max_size=2,
                    )
                },
                optional={"match": st.sampled_from(["any", "all"])},
            ),
        },
    ),
    lambda inner: st.fixed_dictionaries(
        {
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
        },
        optional={"multiple": st.booleans(), "additionalProperties": st.booleans()},
    ),
    max_leaves=4,
)
FIELDS = st.dictionaries(st.sampled_from("abc"), ENTRIES, max_size=3).map(
    lambda fields: {"a": "string", "b": "number"} | fields
)
