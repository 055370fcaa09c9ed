"""Replays in words and numbers: what is known of a vendor, and what a run should say of it."""
