"""The figures as tables for people."""

from collections.abc import Sequence

import pandas as pd
from answers import DATA, DEFECTIVE, GOOD
from ways import SHIPPED, WAYS

INSPECTED = ("drawn surfaces", "magnetic tiles")
"""Data with good parts."""

MAX_ESCAPE, MAX_OVERKILL = "max_escape=0.02", "max_overkill=0.01"
"""The head's thresholds: the one that runs choose, and one for few good parts rejected."""

DECIDED = ("good called defective", "good not called good", "unknown called defective",
           "unknown not called good")  # fmt: skip


def text(table: pd.DataFrame) -> str:
    """Return all tables."""
    test = table[table["images"] == "test"]
    tried = table[table["images"] == "validation"]
    lines = [
        "    scripts/reference novelty <data>",
        "",
        *INTRODUCTION,
        "",
        *(f"- {name}: `{words}`" for name, words in DATA.items()),
        "",
        "**What happens to parts**, test images, by the head's threshold alone and with novelty:",
        "",
        *decided(test),
        "",
        "**Ways to tell, on test images.** AUROC of unknown against known classes (of steel, which",
        "has no good class, that alone) / against good parts; then the unknown ones held back at",
        "the limit for 1 % of good parts (and how many good ones it is on test images):",
        "",
        *ways(test),
        "",
        "**The same on the images that the program's way was chosen on**: validation images, and",
        "of the class left out those that would have been trained on. The limit was taken from the",
        "same good parts; splits differ by seed, so an image here may be a test image of another:",
        "",
        *ways(tried),
        "",
        "**Each class left out**, the program's way, test images:",
        "",
        *classes(test),
    ]
    return "\n".join(lines) + "\n"


INTRODUCTION = (
    "Each defect class of each product is left out of training and validation in turn, with",
    f"seeds 0 to 2. A drawn product has {GOOD} good parts and {DEFECTIVE} of each defect: from the",
    "dozen good validation images of the data set as it comes 1 % cannot be told.",
    "Figures in percent, mean over products and classes left out ± standard deviation over the",
    "seeds. Held back is what goes to review or is unknown: the class that the head names is too",
    "far. The limit is the highest distance that holds back 1 % of the good validation images at",
    "most. The head's threshold lets 2 % of the known defective validation images pass",
    f"({MAX_ESCAPE}, the default of a run), or rejects 1 % of the good ones ({MAX_OVERKILL}).",
    "An unknown defect that has something in common with known ones the head's own score sees as",
    "well (1 - probability of good, last of the ways); novelty is there for those that have not.",
)


def decided(table: pd.DataFrame) -> list[str]:
    """Return a line per data set and threshold: what is not called good, with novelty and not."""
    lines = heading(["data", "threshold", *DECIDED])
    for data in INSPECTED:
        own = table[(table["data"] == data) & (table["way"] == SHIPPED)]
        for name in (MAX_ESCAPE, MAX_OVERKILL):
            cells = [share(own, f"{name}: {figure}") for figure in DECIDED]
            lines.append(line([data, name, *cells]))
    return lines


def ways(table: pd.DataFrame) -> list[str]:
    """Return a line per way to tell."""
    titles = [f"{data}: {what}" for data in INSPECTED for what in ("AUROC", "held back")]
    lines = heading(["way", *titles, "steel: AUROC"])
    for way in WAYS:
        cells = [way]
        if not len(table[table["way"] == way]):
            continue
        for data in INSPECTED:
            own = table[(table["data"] == data) & (table["way"] == way)]
            cells.append(f"{share(own, 'AUROC known')} / {share(own, 'AUROC good')}")
            good = share(own, "good sent", spread=False)
            cells.append(f"{share(own, 'unknown sent')} ({good})" if good else "")
        steel = table[(table["data"] == "steel") & (table["way"] == way)]
        lines.append(line([*cells, share(steel, "AUROC known")]))
    return lines


def classes(table: pd.DataFrame) -> list[str]:
    """Return a line per class that was left out."""
    shown = ("AUROC known", "AUROC good", "unknown sent",
             *(f"{MAX_OVERKILL}: {figure}" for figure in DECIDED[2:]))  # fmt: skip
    lines = heading(["left out", "AUROC known", "AUROC good", "held back", *shown[3:]])
    own = table[table["way"] == SHIPPED]
    for (product, name), rows in own.groupby(["product", "left out"], sort=False):
        cells = (share(rows, figure) for figure in shown)
        lines.append(line([f"{product}: {name}", *cells]))
    return lines


def share(rows: pd.DataFrame, figure: str, *, spread: bool = True) -> str:
    """Return the mean of a figure in percent, and its deviation over the seeds; "" of none."""
    if not rows[figure].notna().any():
        return ""
    by_seed = 100 * rows.groupby("seed")[figure].mean()
    mean = f"{by_seed.mean():.1f}"
    return f"{mean} ± {by_seed.std():.1f}" if spread else mean


def heading(titles: Sequence[str]) -> list[str]:
    """Return the first two lines of a table."""
    return [line(titles), f"| --- |{' ---: |' * (len(titles) - 1)}"]


def line(cells: Sequence[str]) -> str:
    """Return a line of a table."""
    return f"| {' | '.join(cells)} |"
