"""Checks and compiles JSON Schema, draft-07, by Segment's rules.

The only module that imports the validator. Nothing is ever fetched: a reference to something
outside the schema is a mistake. Patterns are those of Segment, without look-around: the time to
match one grows with the text only.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, NoReturn

import jsonschema_rs
from jsonschema_rs import Draft7Validator, RegexOptions, ValidationError

from segcli.core.event_time import is_time
from segcli.plan.plan import Check
from segcli.plan.pointers import pointer_of, schema_at
from segcli.plan.refused_pattern import why_refused
from segcli.plan.rule import Mistake, cut
from segcli.plan.words import Violation, json_type_of, problem_of

_TYPES = "array, boolean, integer, null, number, object, string"
# Keywords whose value is a schema, a list of schemas, or an object of schemas.
_ONE = frozenset(
    {
        *("additionalItems", "additionalProperties", "contains", "else", "if", "items", "not"),
        *("propertyNames", "then"),
    }
)
_LISTS = frozenset({"allOf", "anyOf", "items", "oneOf"})
_MAPS = frozenset({"$defs", "definitions", "dependencies", "patternProperties", "properties"})
# Names of schemas, for other tools. Segment's are often not valid addresses, and would be refused.
_NAMES = frozenset({"$id", "$schema"})


class SchemaCompiler:
    """Compiles the schemas of a plan, with one copy of draft-07's own schema."""

    def __init__(self) -> None:
        address = "http://json-schema.org/draft-07/schema#"
        self._meta = Draft7Validator({"$ref": address}, retriever=_refuse, pattern_options=_PATTERN)

    def compile(self, schema: Mapping[str, Any], pointer: str) -> Check | list[Mistake]:
        """Return the check of a schema, or the mistakes in it."""
        harmless, mistakes = _Cleaner(pointer).clean(schema)
        found = self._meta.iter_errors(harmless)
        # Patterns are checked already, by Segment's rules.
        mistakes += [_mistake(error, pointer) for error in found if error.kind.name != "format"]
        if mistakes:
            return mistakes
        try:
            validator = Draft7Validator(
                harmless,
                formats={"date-time": is_time},
                pattern_options=_PATTERN,
                retriever=_refuse,
            )
        except (ValidationError, jsonschema_rs.ReferencingError, ValueError) as error:
            said = getattr(error, "message", str(error))
            return [Mistake(pointer, f"cannot be compiled: {cut(said)}")]
        return Check(validator.is_valid, lambda value: _all_violations(validator, value))


# Most properties of a plan have one of a few patterns.
@lru_cache(maxsize=1024)
def pattern_problem(pattern: str) -> str:
    """Return what is wrong with a regular expression, after `is`; empty if Segment accepts it."""
    try:
        Draft7Validator({"pattern": pattern}, pattern_options=_PATTERN)
    except ValidationError:
        return f"not a regular expression that Segment accepts: {why_refused(pattern)}"
    return ""


class _Cleaner:
    """Copies a schema without names, and without references that lead nowhere."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer
        self._mistakes: list[Mistake] = []
        self._root: Any = None

    def clean(self, schema: Mapping[str, Any]) -> tuple[Any, list[Mistake]]:
        self._root = schema
        return self._clean(schema, ()), self._mistakes

    def _clean(self, schema: Any, path: tuple[str | int, ...]) -> Any:
        if not isinstance(schema, dict):
            return schema
        self._check_patterns(schema, path)
        if "$ref" in schema and not self._leads_somewhere(schema["$ref"], path):
            schema = {key: value for key, value in schema.items() if key != "$ref"}
        # With this, the validator names each forbidden field, not the object that has them.
        named: dict[str, Any] = (
            {"properties": {}} if schema.get("additionalProperties") is False else {}
        )
        return named | {
            key: self._value(key, value, (*path, key))
            for key, value in schema.items()
            if key not in _NAMES
        }

    def _check_patterns(self, schema: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
        by_name = schema.get("patternProperties")
        patterns = {"pattern": schema.get("pattern")}
        if isinstance(by_name, dict):
            patterns |= {f"patternProperties/{pattern}": pattern for pattern in by_name}
        for where, pattern in patterns.items():
            if isinstance(pattern, str) and (problem := pattern_problem(pattern)):
                pointer = pointer_of(self._pointer, [*path, *where.split("/", 1)])
                self._mistakes.append(Mistake(pointer, f"is {problem}"))

    def _value(self, key: str, value: Any, path: tuple[str | int, ...]) -> Any:
        if key in _MAPS and isinstance(value, dict):
            return {name: self._clean(inner, (*path, name)) for name, inner in value.items()}
        if key in _LISTS and isinstance(value, list):
            return [self._clean(inner, (*path, index)) for index, inner in enumerate(value)]
        return self._clean(value, path) if key in _ONE else value

    def _leads_somewhere(self, reference: object, path: tuple[str | int, ...]) -> bool:
        if schema_at(self._root, reference) is not None:
            return True
        is_local = isinstance(reference, str) and reference.startswith("#")
        where = "nothing in this schema" if is_local else "something outside, which is not read"
        problem = f"refers to {where}: {cut(str(reference))}"
        self._mistakes.append(Mistake(pointer_of(self._pointer, [*path, "$ref"]), problem))
        return False


def _refuse(address: str) -> NoReturn:
    raise ValueError(f"{address} is not read")


_PATTERN = RegexOptions()


def _all_violations(validator: Draft7Validator, value: Any) -> Iterator[Violation]:
    for error in validator.iter_errors(value):
        yield from _violations(error)


def _violations(error: ValidationError) -> Iterator[Violation]:
    path, keyword = error.instance_path, error.kind.name
    facts = {} if keyword in _WITH_CONTEXT else error.kind.as_dict()
    if keyword == "required":
        yield Violation([*path, facts["property"]], keyword, facts, "")
    elif keyword == "additionalProperties":
        for name in facts["unexpected"]:
            yield Violation([*path, name], keyword, facts, "")
    else:
        yield Violation(path, keyword, facts, json_type_of(error.instance))


# The facts about these contain values of the event.
_WITH_CONTEXT = frozenset({"anyOf", "oneOf", "not", "propertyNames"})


def _mistake(error: ValidationError, pointer: str) -> Mistake:
    """Return the mistake for an error that draft-07's own schema finds in a schema."""
    where = pointer_of(pointer, error.instance_path)
    keyword = error.kind.name
    last = error.instance_path[-1] if error.instance_path else ""
    if last == "type" and keyword == "anyOf":
        return Mistake(where, f"is not one of {_TYPES}")
    found = list(_violations(error))
    return Mistake(where, problem_of(found[0]) if found else f"violates {keyword}")
