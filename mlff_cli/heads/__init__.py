"""Heads: descriptor in, outputs out; each knows its loss, its scores and its metrics."""
