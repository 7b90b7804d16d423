"""The names of what computes features with a frozen network."""

AUTO, TORCH, PLAIN = "auto", "torch", "plain"
"""Whichever fits best; PyTorch, BatchNorm folded; PyTorch with the network as it is.

Plain is what runs were made with before one could choose.
"""

ONNX, OPENVINO = GRAPHS = ("onnxruntime", "openvino")
"""Those that compute a graph of the network, on a processor."""

ENGINE_VERSION = 1
"""Of how networks are folded and graphs made: a change that moves numbers must raise it."""
