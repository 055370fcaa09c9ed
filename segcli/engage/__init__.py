"""Audiences and computed traits as identify events, as Segment's Engage sends them."""
