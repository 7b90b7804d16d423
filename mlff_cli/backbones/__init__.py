"""Pretrained networks that return several levels and say what they are."""
