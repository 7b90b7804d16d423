"""Puts the tables of runs/reference/ into the README, between their markers."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKED = re.compile(r"(<!-- from (runs/reference/\S+\.md) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(match: re.Match[str]) -> str:
    """Return a marked place with the first table of its file, and the command that made it."""
    text = (ROOT / match[2]).read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("    mlff ")).strip()
    table = re.search(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert table, f"{match[2]} holds no table"
    return f"{match[1]}`{command}`\n\n{table[0]}{match[3]}"


readme = ROOT / "README.md"
readme.write_text(MARKED.sub(filled, readme.read_text(encoding="utf-8")), encoding="utf-8")
