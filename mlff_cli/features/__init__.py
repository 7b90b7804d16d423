"""The levels of an image, computed once and kept."""
