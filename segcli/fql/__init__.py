r"""FQL, Segment's query language for selecting events.

    type = "track" and (event = "Order Completed" or contains(properties.name, "Nike"))

`parse_query` reads a query as Segment's own destinations do, including sloppy syntax. What they
cannot read raises `FqlError`. What they ignore is ignored, or an error with `strict`. Use `strict`
for queries that a person types.

| query | meaning |
|---|---|
| `type`, `event`, `name`, `userId` | a field of the event, compared as text: `= 5` means `"5"` |
| `properties.a.b`, `traits.a`, `context.a` | a nested field; `\` escapes any character in a name |
| `= "x"`, `!= "x"` | is, or is not, this text; an absent field is not this text |
| `= 5`, `!= 5`, `<`, `<=`, `>`, `>=` | is a number and compares so; `"5"` is not a number |
| `= true`, `= false` | is this boolean |
| `= null`, `!= null` | is absent or null; is neither |
| `contains(f, "x")` | is a text that contains x |
| `match(f, "x*")`, `match(f, "*x")` | is a text that starts with x; that ends with x |
| `!contains(…)`, `!match(…)` | is a text that does not contain or match x |
| `and`, `or`, `( )` | without parentheses, the last `and` or `or` applies to the whole group |

Intended differences from Segment's reader:

- Groups can be nested and can contain functions. In Segment's reader the first `)` ends every
  group.
- Numbers are compared with all their digits. JavaScript rounds them to doubles first.
- A bare word at the end is read completely. In Segment's reader `= an` loses its last letter.
- A name finds fields, the `length` of lists and texts, and with `\0` the first item of a list or
  character of a text. It does not find what JavaScript's objects inherit, or half of a surrogate
  pair.
- A call with a missing part and a sign without digits are errors.
"""

from segcli.fql.ast import Ast, Compare, Exists, Holds, Is, QueryGroup
from segcli.fql.compiler import Predicate, matcher
from segcli.fql.lexer import FqlError
from segcli.fql.parser import parse_query
from segcli.fql.query_fields import fields_below

__all__ = [
    "Ast",
    "Compare",
    "Exists",
    "FqlError",
    "Holds",
    "Is",
    "Predicate",
    "QueryGroup",
    "fields_below",
    "matcher",
    "parse_query",
]
