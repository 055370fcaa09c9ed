"""Numbered lines: blocks of input bytes become lines that can be read again."""
