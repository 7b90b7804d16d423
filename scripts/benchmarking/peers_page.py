"""The page of figure 12: every process beside the others, and what each of them does."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from against_peers import FIGURE
from bench import Observation
from peer_cases import CASES, COLD, NAIVE
from summary import Numbers, above, write_numbers

COLUMNS = {
    "whole process (s)": ("seconds", "{:.1f}"),
    "processor (s)": ("cpu_seconds", "{:.1f}"),
    "learning (s)": ("learning_seconds", "{:.1f}"),
    "scoring (s)": ("scoring_seconds", "{:.1f}"),
    "peak memory (MiB)": ("peak_memory_mib", "{:.0f}"),
    "all its processes (MiB)": ("together_mib", "{:.0f}"),
    "learning mAP": ("learning_map", "{:.1f}"),
    "final mAP": ("final_map", "{:.1f}"),
    "forgetting (mAP)": ("forgetting", "{:.1f}"),
    "others meanwhile (cores)": ("others_cores", "{:.2f}"),
}
NOTES = (
    "learning: features and training of all products; scoring: all products so far after each. "
    "The rest of a process is its start, the decoding of the images (peers decode all first, "
    "once) and, of mlff, its audit, pictures and report.",
    "peak memory: of the largest process; all its processes: at one moment, sampled, shared pages "
    "counted once; others meanwhile: processors that the rest of the machine kept busy. Where "
    "that is not near 0, times of the processor compare better than those of the clock.",
    "All are given the same image files and splits (splits.csv of the first run; validation "
    "images are trained on by none), weights, image size, scaling to [-1, 1], epochs and AdamW "
    "under a one-cycle rate, without variations of the images; batches of 64, learning rate 0.005 "
    "and weight decay 0.05 where nothing else is said.",
    "Peers keep the decoded images in memory, and their backbone in the memory layout that is "
    "faster. mAP is computed of everybody's scores by the same functions.",
)


def table(observations: Sequence[Observation]) -> list[str]:
    """Return a row for each process, medians over repetitions."""
    numbers = Numbers(observations)
    heads = ["", *COLUMNS, f"/ {COLD}", "by the processor"]
    rows = [f"| {' | '.join(heads)} |", f"|---|{'---:|' * (len(heads) - 1)}"]
    for case in numbers.cases(FIGURE):
        cells = [
            shape.format(median(numbers.of(FIGURE, case, quantity)))
            for quantity, shape in COLUMNS.values()
        ]
        cells += [f"{ratio(numbers, case, q):.2f}" for q in ("seconds", "cpu_seconds")]
        rows.append(f"| {case} | {' | '.join(cells)} |")
    return rows


def ratio(numbers: Numbers, case: str, quantity: str = "seconds") -> float:
    """Return how often mlff's cold run fits in a process: the median within repetitions."""
    taken, cold = (numbers.of(FIGURE, name, quantity) for name in (case, COLD))
    return median(one / other for one, other in zip(taken, cold, strict=True))


def verdict(observations: Sequence[Observation]) -> str:
    """Return avalanche's time over that of mlff's cold run, beside what it should be."""
    numbers = Numbers(observations)
    found = ratio(numbers, NAIVE)
    wanted, reached = above(10, 20)(found)
    words = {"goal": "yes", "target": "yes, not the goal", "short": "no"}
    return (
        f"{NAIVE} / {COLD}: {found:.3g}, by the processor's time "
        f"{ratio(numbers, NAIVE, 'cpu_seconds'):.3g} ({wanted}; reached: {words[reached]})"
    )


def write_peers(
    folder: Path, observations: Sequence[Observation], about: Sequence[str]
) -> tuple[Path, Path]:
    """Write results.csv, every number, and results.md, the table; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, page = folder / "results.csv", folder / "results.md"
    write_numbers(numbers, observations)
    text = ["# Peers side by side", "", *about, "", *table(observations), "", verdict(observations)]
    text += ["", *(f"- **{case.name}**: {case.what}" for case in CASES)]
    text += ["", *(f"- {note}" for note in NOTES)]
    page.write_text("\n".join(text) + "\n", encoding="utf-8")
    return numbers, page
