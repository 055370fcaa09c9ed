"""Conditions in Liquid templates, `a > 5`, compared as in JavaScript."""

import math
import operator
from collections.abc import Callable
from typing import Any

from liquid import RenderContext, Token, Undefined
from liquid.builtin.expressions import logical as expressions
from liquid.builtin.expressions.primitive import Blank, Empty, Nil
from liquid.expression import Expression

from segcli.mapping.javascript import UNDEFINED, WHITE_SPACE, is_javascript_number, javascript_text
from segcli.mapping.liquid.value import liquid_number, plain

Comparison = Callable[[Any, Any], bool]


class Compared(Expression):
    """A comparison of two expressions."""

    __slots__ = ("left", "right", "test")

    def __init__(
        self, token: Token, sides: tuple[Expression, Expression], test: Comparison
    ) -> None:
        super().__init__(token)
        self.left, self.right = sides
        self.test = test

    def evaluate(self, context: RenderContext) -> object:
        """Return whether the values of both expressions pass the test."""
        return self.test(_value(self.left, context), _value(self.right, context))

    def children(self) -> list[Expression]:
        """Return both expressions, as python-liquid requires."""
        return [self.left, self.right]


def in_javascript(expression: Expression) -> Expression:
    """Return a condition with its comparisons replaced by JavaScript's."""
    if isinstance(expression, expressions.LogicalNotExpression):
        return _negated(expression)
    if not isinstance(expression, _PAIRS):
        return expression
    expression.left = in_javascript(expression.left)
    expression.right = in_javascript(expression.right)
    test = _TESTS.get(type(expression))
    if test is None:
        return expression
    return Compared(expression.token, (expression.left, expression.right), test)


def _negated(expression: expressions.LogicalNotExpression) -> Expression:
    """Return a condition in which `not` takes a comparison, but no more than one."""
    inner = expression.right
    if isinstance(inner, expressions.LogicalAndExpression | expressions.LogicalOrExpression):
        expression.right = inner.left
        inner.left = expression
        return in_javascript(inner)
    expression.right = in_javascript(inner)
    return expression


def is_equal(left: Any, right: Any) -> bool:
    """Return whether two values are equal in Liquid: same type, and lists item by item."""
    if isinstance(left, Expression):
        return _is(left, right)
    if isinstance(right, Expression):
        return _is(right, left)
    if left is None or left is UNDEFINED:
        return left is right
    if isinstance(left, list):
        return isinstance(right, list) and _are_equal(left, right)
    if isinstance(left, dict):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right) and (isinstance(left, str) or is_javascript_number(left))


def _is(literal: Expression, value: Any) -> bool:
    """Return whether a value matches the literal `empty`, `blank` or `nil`."""
    if isinstance(literal, Empty):
        return isinstance(value, str | list | dict) and not value
    if isinstance(literal, Blank):
        # `blank` equals no other literal than `nil`.
        return isinstance(value, Nil) if isinstance(value, Expression) else _is_blank(value)
    return value is None or value is UNDEFINED or isinstance(value, Nil)


def _value(expression: Expression, context: RenderContext) -> Any:
    if isinstance(expression, Nil):
        return expression
    value = expression.evaluate(context)
    if isinstance(value, range):
        return plain(value)
    return UNDEFINED if isinstance(value, Undefined) else value


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip(WHITE_SPACE)
    return value is False or value is None or value is UNDEFINED or value in ([], {})


def _are_equal(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(map(is_equal, left, right))


def _ordered(compare: Callable[[Any, Any], bool]) -> Comparison:
    """Return an order comparison: two texts compare as texts, all other values as numbers."""

    def test(left: Any, right: Any) -> bool:
        if isinstance(left, Expression) or isinstance(right, Expression):
            return False
        first, second = _primitive(left), _primitive(right)
        if isinstance(first, str) and isinstance(second, str):
            return compare(_units(first), _units(second))
        one, other = _number(first), _number(second)
        # NaN is never in order, and comparing it with a Decimal raises an error.
        return bool(one == one and other == other and compare(one, other))  # noqa: PLR0124

    return test


def _primitive(value: Any) -> Any:
    return javascript_text(value) if isinstance(value, list | dict) else value


def _number(value: Any) -> Any:
    return math.nan if value is UNDEFINED else liquid_number(value)


def _units(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return any(is_equal(item, right) for item in left)
    if not isinstance(left, str):
        return False
    if isinstance(right, Expression):
        return not isinstance(right, Nil) or "null" in left
    return javascript_text(right) in left


_PAIRS = (
    expressions.LogicalAndExpression,
    expressions.LogicalOrExpression,
    expressions.EqExpression,
    expressions.NeExpression,
    expressions.LtExpression,
    expressions.GtExpression,
    expressions.LeExpression,
    expressions.GeExpression,
    expressions.ContainsExpression,
)

_TESTS: dict[type[Expression], Comparison] = {
    expressions.EqExpression: is_equal,
    expressions.NeExpression: lambda left, right: not is_equal(left, right),
    expressions.LtExpression: _ordered(operator.lt),
    expressions.GtExpression: _ordered(operator.gt),
    expressions.LeExpression: _ordered(operator.le),
    expressions.GeExpression: _ordered(operator.ge),
    expressions.ContainsExpression: _contains,
}
