"""The loop over experiences and what it keeps."""
