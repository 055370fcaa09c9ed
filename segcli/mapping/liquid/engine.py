"""Liquid as Segment runs it: python-liquid with JavaScript's values and without loops.

Tags and filters that Segment disables are rejected with Segment's messages. As in Segment, an
unknown filter changes nothing.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, ClassVar, NoReturn, TextIO

from liquid import BoundTemplate, Environment, RenderContext, Token
from liquid.ast import Node as SyntaxNode
from liquid.builtin.expressions import BooleanExpression, FilteredExpression
from liquid.builtin.expressions.primitive import Blank, Empty, Nil, StringLiteral
from liquid.builtin.illegal import Illegal
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoTag
from liquid.exceptions import LiquidError, LiquidSyntaxError
from liquid.expression import Expression
from liquid.stream import TokenStream
from liquid.tag import Tag
from liquid.utils import ReadOnlyChainMap

from segcli.mapping.javascript import MAX_TEXT, UNDEFINED
from segcli.mapping.liquid.filters import FILTERS
from segcli.mapping.liquid.logic import in_javascript
from segcli.mapping.liquid.syntax import in_segments_syntax
from segcli.mapping.liquid.value import liquid_text, property_of
from segcli.mapping.node import Context, Node, bounded

_DISABLED_TAGS = ("case", "for", "include", "layout", "render", "tablerow")
_DISABLED_FILTERS = (
    *("array_to_sentence_string", "concat", "find", "find_exp", "find_index", "find_index_exp"),
    *("group_by", "group_by_exp", "has", "has_exp", "map", "newline_to_br", "reject"),
    *("reject_exp", "reverse", "sort", "sort_natural", "uniq", "where_exp", "type"),
)
# Filters of Segment's that are not supported here: random choice, growing lists, page slugs.
_UNKNOWN_FILTERS = ("push", "sample", "slugify", "unshift")
_TO_JSON = frozenset({"json", "jsonify", "inspect"})
_UNKNOWN_TAGS = ("break", "continue", "doc", "ifchanged")


def renderer(template: str, context: Context) -> Node:
    """Return the node that renders a template; it rejects what Segment's engine rejects."""
    try:
        parsed = _parsed(template)
    except LiquidError as error:
        return context.refusal(_message(error, template))

    def run(data: Any) -> str:
        try:
            return parsed.render(data if isinstance(data, dict) else {})
        except LiquidError as error:
            context.refuse(_message(error, template))

    return Node(bounded(run, context, "@liquid makes too long a text"), is_total=True)


def paths(template: str) -> list[str]:
    """Return the paths that a template reads; none for a template that cannot be parsed."""
    try:
        found = _parsed(template).analyze().variables
    except LiquidError:
        return []
    return list(dict.fromkeys(str(path) for group in found.values() for path in group))


# python-liquid is customized by subclassing.
class _Output(OutputNode):
    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(liquid_text(self.expression.evaluate(context)))


class _OutputTag(Output):
    node_class = _Output


class _EchoTag(EchoTag):
    node_class = _Output  # type: ignore[assignment]  # any output node will do


class _Context(RenderContext):
    """Looks up values as JavaScript does; `now` and `today` are ordinary fields."""

    __slots__ = ()

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.scope = ReadOnlyChainMap(self.locals, self.globals, self.counters)

    def get(
        self,
        path: Sequence[object],
        *,
        token: Token | None,
        default: object = UNDEFINED,  # noqa: ARG002  # part of the interface; not used here
    ) -> object:
        value: Any = self.scope.get(str(path[0]), UNDEFINED)
        for key in path[1:]:
            value = property_of(value, key)
        return self.env.undefined("", token=token) if value is UNDEFINED else value


class _Template(BoundTemplate):
    context_class = _Context

    def make_partial_namespace(self, *_: object) -> dict[str, object]:
        return {}


class _Environment(Environment):
    template_class = _Template
    output_stream_limit: ClassVar[int | None] = MAX_TEXT
    suppress_blank_control_flow_blocks = False
    logical_not_operator = True

    def tokenizer(self) -> Callable[[str], Iterator[Token]]:
        read = super().tokenizer()
        return lambda source: in_segments_syntax(read(source))

    def setup_tags_and_filters(self, **_: object) -> None:
        super().setup_tags_and_filters()
        self.add_tag(_OutputTag)
        self.add_tag(_EchoTag)
        self.add_tag(_Unknown)
        for name in _DISABLED_TAGS:
            self.tags[name] = _Refused(self, f'tag "{name}" is disabled')
        for name in _UNKNOWN_TAGS:
            self.tags[name] = _Refused(self, f'tag "{name}" not found')
        self.filters = dict(FILTERS)
        for name in _DISABLED_FILTERS:
            self.filters[name] = _refusing(f'filter "{name}" is disabled')
        for name in _UNKNOWN_FILTERS:
            self.filters[name] = _refusing(f'filter "{name}" is not known here')


class _Unknown(Illegal):
    def parse(self, stream: TokenStream) -> NoReturn:
        token = stream.current
        raise LiquidSyntaxError(f'tag "{token.value}" not found', token=token)


class _Refused(Tag):
    block = False

    def __init__(self, env: Environment, message: str) -> None:
        super().__init__(env)
        self.message = message

    def parse(self, stream: TokenStream) -> NoReturn:
        raise LiquidSyntaxError(self.message, token=stream.current)


def _refusing(message: str) -> Callable[..., NoReturn]:
    def refuse(*_: object) -> NoReturn:
        raise LiquidError(message, token=None)

    return refuse


def _parsed(template: str) -> BoundTemplate:
    parsed = _ENVIRONMENT.from_string(template)
    for one in _expressions(parsed.nodes):
        if isinstance(one, BooleanExpression):
            one.expression = in_javascript(one.expression)
        elif isinstance(one, FilteredExpression):
            _encode_literal(one)
    return parsed


def _encode_literal(expression: FilteredExpression) -> None:
    """Let the JSON of a literal without a value be `{}`, as in Segment's engine."""
    filters = expression.filters or []
    if isinstance(expression.left, Nil | Blank | Empty) and filters and filters[0].name in _TO_JSON:
        expression.left = StringLiteral(expression.left.token, "{}")
        expression.filters = filters[1:]


def _expressions(nodes: Iterable[SyntaxNode]) -> Iterable[Expression]:
    for node in nodes:
        yield from node.expressions()
        yield from _expressions(node.children(None))  # type: ignore[arg-type]  # needed for partials only


def _message(error: LiquidError, template: str) -> str:
    """Return the message of an error, with the line and column where its tag or output begins."""
    token = error.token
    at = token.start_index if token and token.start_index >= 0 else 0
    begin = max(template.rfind(mark, 0, at + 2) for mark in ("{{", "{%"))
    before = template[: max(begin, 0)]
    line, column = before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return f"{error.message}, line:{line}, col:{column}"


_ENVIRONMENT = _Environment(strict_filters=False)
