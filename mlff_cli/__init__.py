"""Continual learning for visual quality inspection by multi-level feature fusion."""

__version__ = "0.1.0"
