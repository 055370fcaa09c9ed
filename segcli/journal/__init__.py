"""The journal: the file that remembers what is settled, so that a stopped run can go on."""
