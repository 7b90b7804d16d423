"""The program as a library: a thin layer over what the commands do, for notebooks and programs.

Its names are those that `mlff_cli` gives; nothing else of this package is promised to stay.
"""
