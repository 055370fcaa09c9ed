"""Mapping in several processes, with the results in input order."""
