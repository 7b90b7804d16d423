"""Puts tables of runs/reference/ into README, RESULTS and docs, between their markers.

A marker names the file and, behind a colon, the headings of the tables or which one it is, from 1;
without any, the first. README and RESULTS name the command that made them; docs say it in words.
"""

import re
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MARKED = re.compile(
    r"(<!-- from (runs/reference/[^\s:]+\.md)(?:: ([^>]+))? -->\n).*?(<!-- end -->)", re.DOTALL
)
TABLE = re.compile(r"(?:^\|.*\n)+", re.MULTILINE)


def filled(match: re.Match[str], *, with_command: bool) -> str:
    """Return a marked place with the tables of its file, and the command that made them."""
    text = (ROOT / match[2]).read_text(encoding="utf-8")
    command = next(line for line in text.splitlines() if line.startswith("    ")).strip()
    shown = [f"`{command}`\n"] if with_command else []
    named = match[3] or "1"
    if named.isdigit():
        shown.append(TABLE.findall(text)[int(named) - 1])
    else:
        below = {name: text.split(f"## {name}\n", 1)[1] for name in named.split("; ")}
        titles = {name: f"*{name}*\n\n" if with_command else "" for name in below}
        shown += [titles[name] + TABLE.findall(tables)[0] for name, tables in below.items()]
    return match[1] + "\n".join(shown) + match[4]


for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
    fill = partial(filled, with_command=page.parent == ROOT)
    page.write_text(MARKED.sub(fill, page.read_text(encoding="utf-8")), encoding="utf-8")
