"""Lines: the inputs as blocks of whole lines, and as numbered lines; a fingerprint of each."""
