"""Sources of images: each yields records and no tensors."""
