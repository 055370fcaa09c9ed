"""What the commands and the Python interface share: from a job and its inputs to a report."""
