"""What a field expects of a value: the values to which nothing is done, the most frequent ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from segcli.core.event import NUMBERS
from segcli.field_types.check import checks_of, choices_of
from segcli.field_types.conditions import Nulled
from segcli.field_types.field_type import FieldType, Requirement
from segcli.mapping.expected import Expected, Unexpected, ValueTest
from segcli.mapping.javascript_date import usual_time

# Every type that a value of a payload may have.
VALUE_TYPES: Final = (*NUMBERS, str, bool, dict, list, type(None), Nulled, Unexpected)
# Segment's own addition to a payload; no field, but it stays.
ALWAYS_KEPT: Final = "dynamicAuthSettings"

_PLAIN: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(("string", "text", "password"), frozenset({str})),
    **dict.fromkeys(("number", "datetime"), NUMBERS),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "object": frozenset({dict}),
}


@dataclass(frozen=True, slots=True)
class Mode:
    """How a field is read.

    at_top: it is directly in the payload.
    in_batch: the payload is sent in a batch.
    cleans: empty values are still to be removed; in an object in a list they are not.
    stand_ins: a text with one of these in it fits every field: it stands for a value that is not
        shown, or not known yet.
    """

    at_top: bool = False
    in_batch: bool = False
    cleans: bool = True
    stand_ins: frozenset[str] = frozenset()

    @property
    def drops_empty_texts(self) -> bool:
        """Whether an empty text is removed from a field that is text, too."""
        return self.at_top and not self.in_batch

    def below(self, field: FieldType) -> "Mode":
        """Return how the properties of a field are read."""
        return Mode(cleans=self.cleans and not field.multiple, stand_ins=self.stand_ins)

    def is_stand_in(self, value: Any) -> bool:
        """Return whether a value is a text that fits every field."""
        return isinstance(value, str) and any(one in value for one in self.stand_ins)


def expected_object(fields: Mapping[str, FieldType], mode: Mode, *, keeps_others: bool) -> Expected:
    """Return what these fields expect of an object."""
    found = {name: _expected(one, mode) for name, one in fields.items()}
    if mode.at_top:
        found.setdefault(ALWAYS_KEPT, _ANYTHING)
    return Expected(
        tests=_NEVER,
        compared=_NEVER | {dict: None},
        fields=found,
        others=_ANYTHING if keeps_others else _NOTHING,
        required=required_always(fields, mode),
    )


def plain_tests(field: FieldType, *, keeps_empty: bool) -> dict[type, ValueTest | None]:
    """Return the tests of the values to which a field does nothing.

    keeps_empty: an empty text is one of them, in a field that is text.
    """
    if field.multiple:
        return _NEVER | {list: _list_test(field)}
    tests = _NEVER | ({type(None): None} if may_be_null(field) else {})
    if field.properties is None:
        tests |= {kind: _test(field, kind, keeps_empty) for kind in _PLAIN[field.kind]}
        if field.kind == "datetime":
            # The usual form of a time; others are looked at more closely.
            tests[str] = _all([usual_time, *(test for test, _ in choices_of(field))])
    return tests


def may_be_null(field: FieldType) -> bool:
    """Return whether `allow_null` has an effect: not on lists, nor where there are properties."""
    return field.allow_null and not field.multiple and field.properties is None


def required_always(fields: Mapping[str, FieldType], mode: Mode) -> frozenset[str]:
    """Return the fields that must be there always."""
    if not mode.at_top and any(isinstance(one.required, Requirement) for one in fields.values()):
        # Where a property is required on a condition, Segment passes over the others.
        return frozenset()
    return frozenset(name for name, one in fields.items() if one.required is True)


def _expected(field: FieldType, mode: Mode) -> Expected:
    tests = plain_tests(field, keeps_empty=not mode.drops_empty_texts)
    if field.properties is None:
        return Expected(tests=tests, compared=tests)
    inner = expected_object(field.properties, mode.below(field), keeps_others=field.additional)
    if field.multiple:
        return Expected(tests=tests, compared=tests | {list: _are_objects}, items=inner)
    return replace(inner, tests=tests, compared=tests | {dict: None})


def _test(field: FieldType, kind: type, keeps_empty: bool) -> ValueTest | None:
    tests = [test for test, _ in checks_of(field)]
    if kind is str and (tests or not keeps_empty):
        tests = [bool, *tests]
    return _all(tests) if tests else None


def _all(tests: Sequence[ValueTest]) -> ValueTest:
    if len(tests) == 1:
        return tests[0]
    return lambda value: all(test(value) for test in tests)


def _list_test(field: FieldType) -> ValueTest:
    if field.properties is not None or field.choices is not None:
        return _never
    are_plain = _PLAIN[field.kind].issuperset
    return lambda value: are_plain(map(type, value))


def _are_objects(value: Any) -> bool:
    return _OBJECT.issuperset(map(type, value))


def _never(_: Any) -> bool:
    return False


_OBJECT = frozenset({dict})
_NEVER: dict[type, ValueTest | None] = dict.fromkeys(VALUE_TYPES, _never)
_ALWAYS: dict[type, ValueTest | None] = dict.fromkeys(VALUE_TYPES)
_NOTHING = Expected(tests=_NEVER, compared=_NEVER)
_ANYTHING = Expected(tests=_ALWAYS, compared=_ALWAYS)
