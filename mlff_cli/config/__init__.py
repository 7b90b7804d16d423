"""Configs: the shipped files, what they admit, and how Hydra composes them."""
