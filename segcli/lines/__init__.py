"""Numbered lines: the bytes of the inputs as blocks of lines, and fingerprints of them."""
