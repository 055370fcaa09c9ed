r"""FQL, Segment's language for picking events, since people who use Segment know it.

    type = "track" and (event = "Order Completed" or contains(properties.name, "Nike"))

`parse_query` reads a query as Segment's own destinations do, including sloppy syntax: what they
cannot read raises `FqlError`, what they ignore is ignored. With `strict` everything that they
would ignore is an error. Use it for queries that a person types.

| query | read as |
|---|---|
| `type`, `event`, `name`, `userId` | a field of the event, compared as a text: `= 5` means `"5"` |
| `properties.a.b`, `traits.a`, `context.a` | what stands there; `\` takes any character in a name |
| `= "x"`, `!= "x"` | is, or is not, this text; what is absent is not this text |
| `= 5`, `!= 5`, `<`, `<=`, `>`, `>=` | a number that compares so; `"5"` is no number |
| `= true`, `= false` | is this boolean |
| `= null`, `!= null` | is absent or null; is neither |
| `contains(f, "x")` | a text with x in it |
| `match(f, "x*")`, `match(f, "*x")` | a text that starts with x; that ends with x |
| `!contains(…)`, `!match(…)` | a text of which this is not so |
| `and`, `or`, `( )` | without parentheses the last of them holds for the whole group |

Where this differs from Segment's reader, on purpose:

- Groups nest, and a function may stand in one; there the first `)` ends every group.
- Numbers are compared with all their digits; JavaScript rounds them to doubles first.
- A bare word at the end is read whole; there `= an` loses its last letter.
- A name finds fields, the `length` of lists and texts, and by `\0` the first of either; not what
  JavaScript's objects inherit, and not half of a character beyond 16 bits.
- A call that lacks a part, and a sign without digits, are errors.
"""

from segcli.fql.ast import Ast, Compare, Exists, Group, Holds, Is
from segcli.fql.compiler import Predicate, matcher
from segcli.fql.error import FqlError
from segcli.fql.parser import parse_query

__all__ = [
    "Ast",
    "Compare",
    "Exists",
    "FqlError",
    "Group",
    "Holds",
    "Is",
    "Predicate",
    "matcher",
    "parse_query",
]
