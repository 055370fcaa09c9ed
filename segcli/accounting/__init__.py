"""The account of a run: what became of every line, and files that are replaced safely."""
