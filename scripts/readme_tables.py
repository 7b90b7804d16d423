"""Puts tables of runs/reference/ into README.md and RESULTS.md, between their markers.

A marker names the file and, behind a colon, the headings of the tables; without any, the first.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKED = re.compile(
    r"(<!-- from (runs/reference/[^\s:]+\.md)(?:: ([^>]+))? -->\n).*?(<!-- end -->)", re.DOTALL
)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def filled(match: re.Match[str]) -> str:
    """Return a marked place with the tables of its file, and the command that made them."""
    text = (ROOT / match[2]).read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("    ")).strip()
    shown = [f"`{command}`\n"]
    if match[3] is None:
        shown.append(TABLE.findall(text)[0])
    for heading in (match[3] or "").split("; "):
        if heading:
            below = text.split(f"## {heading}\n", 1)[1]
            shown.append(f"*{heading}*\n\n{TABLE.findall(below)[0]}")
    return match[1] + "\n".join(shown) + match[4]


for name in ("README.md", "RESULTS.md"):
    page = ROOT / name
    page.write_text(MARKED.sub(filled, page.read_text(encoding="utf-8")), encoding="utf-8")
