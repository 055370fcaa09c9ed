"""Syncs of audiences and computed traits, as identify events like those of Segment's Engage."""
