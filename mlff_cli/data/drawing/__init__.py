"""Drawing of inspection images: surfaces, what is wrong with them, and the camera that looks."""
