"""Image files to batches of pixels, and variations of them."""
