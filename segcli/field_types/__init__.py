"""Field types, Segment's rules for what may stand in a payload, as plain functions.

    conform = compiled_fields({"id": FieldType("string", required=True), "n": FieldType("integer")})
    conform({"id": 7, "n": "12", "x": 1})  # {"id": "7", "n": 12}

Between a mapping and the code of a destination, Segment cleans and converts a payload by the
`fields` of the action, and refuses it if it does not fit. These rules do the same, in this order:

1. Empty values are removed: null, and an empty text where the field is not text. Directly in the
   payload an empty text is always removed, except where payloads are sent in batches.
2. A value in a field that is `multiple` becomes a list.
3. Conditions and required fields are checked, unknown keys are removed.
4. A value of another type is converted if nothing is lost: `"12"` in a number, 12 in a text.
5. Choices, limits and formats are checked.

No default is filled in. The differences from Segment's own code:

| case | Segment | here |
|---|---|---|
| a number with more digits than a double holds | rounded | exact: it may be an id |
| a text with a number too large for a double | `Infinity`, null in JSON | refused |
| `format = "regex"` | JavaScript's expressions | Python's |
| a mistake in an item of a list | told for each item | told once, as `products[].price` |
"""

from segcli.field_types.compiler import Conform, compiled_fields, compiled_with_fields, mistakes_in
from segcli.field_types.field_type import (
    FIELD_KINDS,
    TEXT_FORMATS,
    FieldCondition,
    FieldType,
    Requirement,
)
from segcli.field_types.mistake import FieldMistake
from segcli.field_types.notation import field_types, problems_of

__all__ = [
    "FIELD_KINDS",
    "TEXT_FORMATS",
    "Conform",
    "FieldCondition",
    "FieldMistake",
    "FieldType",
    "Requirement",
    "compiled_fields",
    "compiled_with_fields",
    "field_types",
    "mistakes_in",
    "problems_of",
]
