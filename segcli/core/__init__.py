"""What a destination is made of: pure values and functions that know no disk and no network."""
