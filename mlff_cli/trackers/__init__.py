"""Trackers that a run is told to, beside its own folder: one file each; none can harm the run."""
