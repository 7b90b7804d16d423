"""Runs every command of mlff that README and docs/ show, word for word, as their reader would.

  scripts/try_pages                    all pages; what needs real images is left out and named
  scripts/try_pages --data ../data     with the folder that holds neu_cls and magnetic_tile
  scripts/try_pages docs/adapt.md      these pages; the others stay as they were written down

Each page has a folder of its own with drawn images where the page speaks of one's own, and its
commands run there in the order of the page, in a shell. `mlff-1234abcd` and the like stand for the
page's first run of that task, `mlff-5678cdef` for its last; a run that a page only reads is made
before. What is labelled by hand on the page is filled in. `--watch` ends by Ctrl-C once every image
is answered. Writes runs/reference/pages; ends with exit code 1 where a command failed.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from page_commands import commands_of, tasks_of_runs, with_runs
from page_material import prepare, write_lists

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "runs" / "reference" / "pages"
FIELDS = ("page", "command", "exit code", "seconds")

MADE_BEFORE = {
    "custom": "mlff train task=custom data.root=images",
    "surface_defect": "mlff train task=surface_defect",
    "many_products": "mlff train task=many_products data.products=20",
}
"""What makes the run of a task that a page only reads."""

ALSO_RIGHT = {"adapters diff": 1, "--watch": 130}
"""Exit codes other than 0 that the pages announce: an answer changed; Ctrl-C."""

Row = dict[str, str]


def main() -> int:
    """Run what the command line asks for; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", help="README.md, docs/runs.md, ...; all if left out")
    parser.add_argument("--data", type=Path, help="the folder of neu_cls and magnetic_tile")
    parser.add_argument("--keep", type=Path, help="leave the folders of the pages here")
    asked = parser.parse_args()
    everything = all_pages()
    pages = [str(Path(page)) for page in asked.pages] or everything
    with tempfile.TemporaryDirectory() as scratch:
        place = (asked.keep or Path(scratch)).resolve()
        rows = [row for page in pages for row in run_page(page, place, asked.data)]
    kept = [row for row in written() if row["page"] not in pages and row["page"] in everything]
    write_down(sorted([*kept, *rows], key=lambda row: everything.index(row["page"])))
    failed = [row for row in rows if not is_right(row)]
    for row in failed:
        print(f"FAILED: {row['page']}: {row['command']}: exit code {row['exit code']}")
    print(f"{len(rows)} commands of {len(pages)} pages, {len(failed)} failed; {TARGET}")
    return int(bool(failed))


def all_pages() -> list[str]:
    """Return the pages that show commands, README first."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    shown = [file for file in files if commands_of(file.read_text(encoding="utf-8"))]
    return [str(file.relative_to(ROOT)) for file in shown]


def run_page(page: str, place: Path, data: Path | None) -> Iterator[Row]:
    """Run the commands of one page, in its own folder; yield how each ended."""
    folder = place / Path(page).stem
    folder.mkdir(parents=True)
    prepare(folder)
    (folder / "scripts").symlink_to(ROOT / "scripts")
    (folder / "examples").symlink_to(ROOT / "examples")
    if data:
        (folder / "data").symlink_to(data.resolve())
    for command in commands_of((ROOT / page).read_text(encoding="utf-8")):
        if "data.root=data" in command and not data:
            print(f"{page}: {command}: left out, it needs --data")
            continue
        for task in tasks_of_runs(command):
            if not list(folder.glob(f"runs/{task}/*/DONE")):
                finished(MADE_BEFORE[task], folder)
        write_lists(command, folder)
        started = time.perf_counter()
        code = finished(with_runs(command, folder), folder)
        seconds = f"{time.perf_counter() - started:.0f}"
        row = dict(zip(FIELDS, (page, command, str(code), seconds), strict=True))
        print(f"{page}: {command}: exit code {code}, {seconds} s", flush=True)
        yield row


def finished(command: str, folder: Path) -> int:
    """Run a line in a shell; return its exit code. What it says goes to `said.txt`."""
    binaries = Path(sys.executable).parent
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(example(folder.parent))]),
        "MLFF_CACHE": str(folder.parent / "cache"),
    }
    with (folder / "said.txt").open("a", encoding="utf-8") as said:
        print(f"\n$ {command}", file=said, flush=True)
        process = subprocess.Popen(
            ["bash", "-c", f"exec {command}"], cwd=folder, env=environment,
            stdout=said, stderr=said, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        if "--watch" in command:
            stop_when_answered(process, folder / command.partition("output=")[2].split()[0], folder)
        return process.wait()


def stop_when_answered(process: subprocess.Popen[bytes], answers: Path, folder: Path) -> None:
    """Interrupt a command that watches, once each image of `new` is answered in its file."""
    images = len(list((folder / "new").glob("*.png")))
    while process.poll() is None:
        lines = answers.read_text(encoding="utf-8").count("\n") if answers.is_file() else 0
        if lines > images:
            os.killpg(process.pid, signal.SIGINT)
            return
        time.sleep(0.5)


def example(place: Path) -> Path:
    """Return where the package of examples/ is installed, which docs/plug_ins.md installs."""
    target = place / "example"
    if not target.is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
        build = ["--no-build-isolation", "--target", str(target)]
        source = str(ROOT / "examples" / "mlff_nearest_class_mean")
        subprocess.run([*install, *build, source], check=True)
    return target


def is_right(row: Row) -> bool:
    """Tell whether a command ended as its page says."""
    codes = {0} | {code for words, code in ALSO_RIGHT.items() if words in row["command"]}
    return int(row["exit code"]) in codes


def written() -> list[Row]:
    """Return what was written down before."""
    file = TARGET / "results.csv"
    if not file.is_file():
        return []
    with file.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def write_down(rows: list[Row]) -> None:
    """Write the table, as CSV and to be read."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with (TARGET / "results.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, FIELDS)
        writer.writeheader()
        writer.writerows(rows)
    table = [
        f"| {row['page']} | `{row['command']}` | {row['exit code']} | {row['seconds']} |"
        for row in rows
    ]
    head = [
        "# The commands of the pages, run word for word",
        "",
        "`scripts/try_pages`. " + SAID,
        "",
    ]
    head += ["| page | command | exit code | seconds |", "|---|---|---:|---:|"]
    (TARGET / "results.md").write_text("\n".join([*head, *table, ""]), encoding="utf-8")


SAID = (
    "Exit code 1 of `adapters diff` says that an answer differs, 130 of `--watch` is Ctrl-C. "
    "Seconds are whole processes, other work beside them."
)


if __name__ == "__main__":
    sys.exit(main())
