"""Accounting: what became of every line, and safe ways to write files."""
