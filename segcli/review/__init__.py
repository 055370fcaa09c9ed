"""The review: what CI should know of a file of events before anything is sent. Pure functions."""
