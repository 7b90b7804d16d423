"""How a table looks: for the terminal, as Markdown, as CSV, as HTML."""
