"""The shared journal: a journal in a store that several machines see, so that a run can move."""
