"""A real browser without a window: Chromium from the distribution's packages."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
INSTALL = (
    ["apt-get", "update", "-q"],
    ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"],
)


@cache
def chromium() -> str | None:
    """Return the browser, installed where it is missing and may be; None where there is none."""
    if (found := _found()) is None and shutil.which("apt-get") and os.geteuid() == 0:
        for command in INSTALL:
            subprocess.run(command, capture_output=True, timeout=300, check=False)
        found = _found()
    return found


def dom_after(page: Path, script: str) -> str:
    """Return the document of a page, as HTML, after a script of ours has run in it."""
    probe = page.with_name("probe.html")
    text = page.read_text(encoding="utf-8").replace("</body>", f"<script>{script}</script></body>")
    probe.write_text(text, encoding="utf-8")
    return _run("--dump-dom", page=probe)


def screenshot(page: Path, target: Path, width: int, height: int) -> None:
    """Draw a page as a PNG."""
    _run(f"--window-size={width},{height}", f"--screenshot={target}", page=page)


def _found() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def _run(*words: str, page: Path) -> str:
    browser = chromium()
    assert browser is not None
    flags = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars")
    home = page.parent / "browser"
    done = subprocess.run(
        [browser, *flags, f"--user-data-dir={home}", *words, page.as_uri()],
        capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    return done.stdout
