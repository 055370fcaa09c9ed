"""The journal: a file that records which lines are settled, so that a stopped run can resume."""
