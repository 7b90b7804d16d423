"""The run folder, tables, plots and comparison of runs."""
