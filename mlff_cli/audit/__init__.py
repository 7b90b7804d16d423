"""What images and splits are worth: counts, floors, copies, verdicts."""
