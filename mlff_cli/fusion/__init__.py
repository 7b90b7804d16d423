"""Fusion layers: levels in, descriptor out. Pure torch modules, no loops."""
