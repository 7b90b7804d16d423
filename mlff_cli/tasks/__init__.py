"""The vocabulary of a task: records, splits, experiences and their sequence."""
