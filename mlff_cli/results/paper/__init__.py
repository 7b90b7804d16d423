"""The paper's table."""
