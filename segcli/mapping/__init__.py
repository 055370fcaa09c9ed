r"""Segment's mappings, JSON with directives, as plain functions.

    mapped = compiled({"id": {"@path": "$.userId"}, "hello": {"@template": "Hi {{traits.name}}"}})
    mapped({"userId": "u1", "traits": {"name": "Ada"}})  # {"id": "u1", "hello": "Hi Ada"}

They do what mapping-kit does, Segment's own engine in JavaScript, and fail in its words: a mapping
of a published destination runs as it is. `problems` says what mapping-kit says of a mapping,
`lint` what it passes over until an event comes. Numbers become text as JavaScript writes them,
and a list, an object or null too. Where JavaScript cannot be followed, or nobody can want it:

| what | there | here |
|---|---|---|
| a number of more digits than a double holds, as text | rounded | all its digits: it may be an id |
| a number beyond all doubles, `1e400` | `Infinity`, null in JSON | the number, as text `1e+400` |
| half a character beyond 16 bits, by `name[0]` | half of it | U+FFFD: half is no UTF-8 |
| `@case` of a letter new in Unicode | as Node knows it | as Python knows it |
| a path to `constructor` and what else is inherited | a function | absent |
| a field named `__proto__` | lost | a field like any other |
| `@json` decodes what no event may hold: 101 levels, half a character | a value | the text |
| a text of more than 1,000,000 characters | out of memory | rejected |
| a mapping of more than 100 levels | out of stack | a MappingError |
| a mapping that can copy an event more than 100,000 times | out of memory | a MappingError |
| a mapping with NaN or a date, which JSON has not | null, a text | a MappingError |
| regular expressions | none: `@replace` is literal | none, so none that never ends |
| `@liquid`: `date` of an unusual spelling | guessed | the text as it is |
| `@liquid`: a time without a zone | in the server's | in UTC |
| `@liquid`: filters in `if`, comparisons in `{{ }}`, `\'` | read | rejected, as by Shopify's |
| `@liquid`: `push`, `sample`, `slugify`, `unshift`, `json: 2` | known | rejected |
"""

from segcli.mapping.compiler import compiled, lint
from segcli.mapping.javascript import UNDEFINED
from segcli.mapping.problem import MappingError, Problem
from segcli.mapping.validation import problems

__all__ = ["UNDEFINED", "MappingError", "Problem", "compiled", "lint", "problems"]
