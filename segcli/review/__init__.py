"""The review: reports what CI should know about a file of events before it is sent."""
