r"""Segment's mappings, JSON with directives, as plain functions.

    mapped = compiled({"id": {"@path": "$.userId"}, "hello": {"@template": "Hi {{traits.name}}"}})
    mapped({"userId": "u1", "traits": {"name": "Ada"}})  # {"id": "u1", "hello": "Hi Ada"}

They behave like mapping-kit, Segment's own engine in JavaScript, and use its error messages: the
mapping of a published destination runs unchanged. `problems` reports the mistakes that mapping-kit
reports; `lint` reports mistakes that mapping-kit finds only when an event arrives, or never.
Numbers, lists, objects and null become text as in JavaScript. The directives `@each`, `@email`,
`@epoch`, `@iso`, `@lookup`, `@phone`, `@sha256`, `@tail`, `@ulid` and `@uuid` are segcli's own:
mapping-kit refuses them. The differences from mapping-kit:

| case | mapping-kit | here |
|---|---|---|
| a number with more digits than a double holds, as text | rounded | exact: it may be an id |
| a number in the payload: `100.0`, 20 digits | `100`, rounded | as it is in the event |
| a number too large for a double, `1e400` | `Infinity`, null in JSON | exact, as text `1e+400` |
| one half of a surrogate pair, by `name[0]` | the half | U+FFFD: a half is not valid UTF-8 |
| `@case` of a letter new in Unicode | as in Node | as in Python |
| a path to an inherited property such as `constructor` | a function | absent |
| a field named `__proto__` | lost | an ordinary field |
| `@json` decodes what no event may hold: 101 levels, a lone surrogate | a value | the text |
| a text of more than 1,000,000 characters | out of memory | rejected |
| a mapping of more than 100 levels | stack overflow | a MappingError |
| a mapping that can copy an event more than 100,000 times | out of memory | a MappingError |
| a mapping with NaN or a date, which are not JSON | null, a text | a MappingError |
| regular expressions | none: `@replace` is literal | none |
| `@liquid`: a time without a zone | in the server's zone | in UTC |
| `@liquid`: filters in `if`, comparisons in `{{ }}`, `\'` | accepted | rejected, as by Shopify |
| `@liquid`: escapes such as `\n` in a text | a line break | as they are typed |
| `@liquid`: `(1..3)[0]`, `+5`, `.5` | accepted | rejected |
| `@liquid`: `push`, `sample`, `slugify`, `unshift`, `json: 2` | supported | rejected |
"""

from segcli.mapping.compiler import compiled, lint, lint_valid
from segcli.mapping.javascript import UNDEFINED
from segcli.mapping.problem import MappingError, Problem
from segcli.mapping.validation import problems

__all__ = ["UNDEFINED", "MappingError", "Problem", "compiled", "lint", "lint_valid", "problems"]
