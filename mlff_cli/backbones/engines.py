"""The names of what computes features with a frozen network."""

AUTO, TORCH, ONNX, PLAIN = "auto", "torch", "onnxruntime", "plain"
"""Whichever fits best; PyTorch, BatchNorm folded; ONNX Runtime; PyTorch with the network as it is.

Plain is what runs were made with before one could choose.
"""

ENGINE_VERSION = 1
"""Of how networks are folded and graphs made: a change that moves numbers must raise it."""
