"""The directives of a mapping, grouped by what they produce."""
