"""``python -m mlff_cli``: the same as ``mlff``."""

from mlff_cli.cli.main import main

main()
