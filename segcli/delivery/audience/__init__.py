"""The members of an audience or trait, what the vendor was told of them, and a sync of the two."""
