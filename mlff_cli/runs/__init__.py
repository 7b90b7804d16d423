"""A run: built from a config, carried out, kept in a folder, opened again."""
