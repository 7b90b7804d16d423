"""A method, a data set and a metric for mlff, from outside of it."""
