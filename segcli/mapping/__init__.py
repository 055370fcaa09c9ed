"""Segment's mappings, JSON with directives, as plain functions."""

from segcli.mapping.compiler import compiled
from segcli.mapping.problem import MappingError, Problem
from segcli.mapping.undefined import UNDEFINED
from segcli.mapping.validation import problems

__all__ = ["UNDEFINED", "MappingError", "Problem", "compiled", "problems"]
