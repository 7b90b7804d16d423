"""How the records of a dataset are cut into a sequence of experiences."""
