"""Many runs: planned, carried out, and put into one table."""
