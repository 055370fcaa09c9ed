"""The directives of a mapping: one module for each."""
