"""A run as one file that answers without this program, and the gate that it has to pass."""
