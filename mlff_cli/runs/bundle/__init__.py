"""Bundles: what `mlff pack` makes of a run to be shipped, and what predicts with them."""
