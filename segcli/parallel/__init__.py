"""Mapping in several processes, with results in input order."""
