"""The parts of a destination: pure values and functions, without files and without network."""
