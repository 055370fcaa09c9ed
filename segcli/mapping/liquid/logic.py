"""Conditions in Liquid templates, `a > 5`, compared as JavaScript compares."""

import math
from collections.abc import Callable
from typing import Any

from liquid import RenderContext, Token, Undefined
from liquid.builtin.expressions import logical as expressions
from liquid.builtin.expressions.primitive import Blank, Empty
from liquid.expression import Expression

from segcli.mapping.liquid.value import number_of
from segcli.mapping.text import WHITE_SPACE, text_of
from segcli.mapping.undefined import UNDEFINED
from segcli.mapping.value import is_number

Test = Callable[[Any, Any], bool]


class Compared(Expression):
    """Two expressions and the test that they have to pass."""

    __slots__ = ("left", "right", "test")

    def __init__(self, token: Token, sides: tuple[Expression, Expression], test: Test) -> None:
        super().__init__(token)
        self.left, self.right = sides
        self.test = test

    def evaluate(self, context: RenderContext) -> object:
        """Return whether the values of the two pass the test."""
        return self.test(_value(self.left, context), _value(self.right, context))

    def children(self) -> list[Expression]:
        """Return the two expressions."""
        return [self.left, self.right]


def in_javascript(expression: Expression) -> Expression:
    """Return a condition with its comparisons replaced by JavaScript's."""
    test = _TESTS.get(type(expression))
    if test:
        return Compared(expression.token, (expression.left, expression.right), test)  # type: ignore[attr-defined]
    if isinstance(expression, expressions.LogicalAndExpression | expressions.LogicalOrExpression):
        expression.left = in_javascript(expression.left)
        expression.right = in_javascript(expression.right)
    return expression


def is_equal(left: Any, right: Any) -> bool:
    """Tell whether two values are equal as Liquid has it: of one kind, lists by their items."""
    for one, other in ((left, right), (right, left)):
        if isinstance(one, Empty):
            return isinstance(other, str | list | dict) and not other
        if isinstance(one, Blank):
            return _is_blank(other)
    if left is None or left is UNDEFINED:
        return right is None or right is UNDEFINED
    if isinstance(left, list):
        return isinstance(right, list) and _are_equal(left, right)
    if isinstance(left, dict):
        return left is right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    return bool(left == right) and (isinstance(left, str) or is_number(left))


def _value(expression: Expression, context: RenderContext) -> Any:
    value = expression.evaluate(context)
    return UNDEFINED if isinstance(value, Undefined) else value


def _is_blank(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip(WHITE_SPACE)
    return value is False or value is None or value is UNDEFINED or value in ([], {})


def _are_equal(left: list[Any], right: list[Any]) -> bool:
    return len(left) == len(right) and all(map(is_equal, left, right))


def _is_less(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return _unit_order(left) < _unit_order(right)
    first, second = _number(left), _number(right)
    return not math.isnan(first) and not math.isnan(second) and first < second


def _is_least(left: Any, right: Any) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        return _unit_order(left) <= _unit_order(right)
    first, second = _number(left), _number(right)
    return not math.isnan(first) and not math.isnan(second) and first <= second


def _number(value: Any) -> Any:
    return math.nan if value is UNDEFINED else number_of(value)


def _unit_order(text: str) -> bytes:
    return text.encode("utf-16-be", "surrogatepass")


def _contains(left: Any, right: Any) -> bool:
    if isinstance(left, list):
        return any(is_equal(item, right) for item in left)
    return isinstance(left, str) and text_of(right) in left


_TESTS: dict[type[Expression], Test] = {
    expressions.EqExpression: is_equal,
    expressions.NeExpression: lambda left, right: not is_equal(left, right),
    expressions.LtExpression: _is_less,
    expressions.GtExpression: lambda left, right: _is_less(right, left),
    expressions.LeExpression: _is_least,
    expressions.GeExpression: lambda left, right: _is_least(right, left),
    expressions.ContainsExpression: _contains,
}
