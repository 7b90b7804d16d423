"""What the numbers say: medians, paired ratios, slopes, each beside what it should reach."""

import csv
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import fmean, median

from bench import Observation

EPOCHS = 20
"""To which full fine-tuning is extrapolated."""
MEMORY_MIB = 3 * 1024
FURTHER_SECONDS = 3.0
"""Seconds that a further product may take at most."""
LATENCY = 12.0
"""Milliseconds that half of all images may take at most."""
STANDARD_ERRORS = 2.0
FLAT_SHARE = 0.05
"""Growth over a whole sequence, as a share of the mean, that still counts as flat."""


@dataclass(frozen=True)
class Line:
    """One line of the table; `verdict` is "goal", "target", "short" or "" where none is set."""

    figure: int
    what: str
    value: str
    spread: str = ""
    wanted: str = ""
    verdict: str = ""


class Numbers:
    """Observations by what they are of."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self.all = list(observations)

    def of(self, figure: int, case: str, quantity: str = "seconds") -> list[float]:
        """Return the values of all repetitions, in their order."""
        found = [o for o in self.all if (o.figure, o.case, o.quantity) == (figure, case, quantity)]
        return [o.value for o in sorted(found, key=lambda o: o.repetition)]

    def cases(self, figure: int) -> list[str]:
        """Return the cases of a figure in the order in which they were taken."""
        return list(dict.fromkeys(o.case for o in self.all if o.figure == figure))


def lines(observations: Iterable[Observation]) -> list[Line]:
    """Return the table of every figure that was taken."""
    numbers = Numbers(observations)
    found: list[Line] = []
    floor, cold = numbers.of(1, "floor"), numbers.of(2, "empty store")
    if floor:
        found.append(_seconds(1, "floor: decoding and one bare pass", floor))
    if cold:
        found.append(_seconds(2, "train, empty store", cold))
    found += _ratio(2, "train, empty store / floor", cold, floor, below(1.0, 0.7))
    for case in numbers.cases(3):
        warm = numbers.of(3, case)
        found.append(_seconds(3, f"train, {case}", warm))
        found += _ratio(3, f"train, {case} / empty store", warm, cold, below(0.10, 0.05))
        found += _ratio(3, f"train, {case} / floor", warm, floor, below(0.08, 0.05))
    found += _fine_tuning(numbers, cold)
    for case in numbers.cases(5):
        found.append(_seconds(5, case, numbers.of(5, case)))
        found += _ratio(5, f"{case} / empty store", numbers.of(5, case), cold, below(2.4, 1.5))
    found += _experiences(numbers)
    found += _scale(numbers)
    found += _start_up(numbers)
    return found + _one_by_one(numbers) + _thousands(numbers) + _further(numbers)


Judge = Callable[[float], tuple[str, str]]


def below(target: float, goal: float, unit: str = "") -> Judge:
    """Return what says whether a value is small enough, and what was wanted."""
    wanted = f"at most {target:g}{unit}, goal {goal:g}{unit}"
    return lambda v: (wanted, "goal" if v <= goal else "target" if v <= target else "short")


def above(target: float, goal: float) -> Judge:
    """Return what says whether a value is large enough, and what was wanted."""
    wanted = f"at least {target:g}, goal {goal:g}"
    return lambda v: (wanted, "goal" if v >= goal else "target" if v >= target else "short")


def slope(values: Sequence[float]) -> tuple[float, float]:
    """Return the least-squares slope of two or more values over 1, 2, ..., and its standard error.

    The error is nan for fewer than three values.
    """
    count = len(values)
    places = [number - (count + 1) / 2 for number in range(1, count + 1)]
    squares = sum(place * place for place in places)
    mean = fmean(values)
    steepness = sum(p * (v - mean) for p, v in zip(places, values, strict=True)) / squares
    rest = sum((v - mean - steepness * p) ** 2 for p, v in zip(places, values, strict=True))
    error = math.sqrt(rest / (count - 2) / squares) if count > 2 else float("nan")
    return steepness, error


def _seconds(figure: int, what: str, values: Sequence[float]) -> Line:
    return Line(figure, what, f"{median(values):.2f} s", _spread(values, " s"))


def _spread(values: Sequence[float], unit: str = "") -> str:
    if len(values) < 2:
        return ""
    return f"{min(values):.2f} to {max(values):.2f}{unit}, {len(values)} times"


def _ratio(
    figure: int, what: str, upper: Sequence[float], lower: Sequence[float], judge: Judge
) -> list[Line]:
    """Return the median of ratios within repetitions: what ran side by side is compared."""
    ratios = [a / b for a, b in zip(upper, lower, strict=False)]
    if not ratios:
        return []
    middle = median(ratios)
    return [Line(figure, what, f"{middle:.3g}", _spread(ratios), *judge(middle))]


def _fine_tuning(numbers: Numbers, cold: Sequence[float]) -> list[Line]:
    one, two = (numbers.of(4, f"fine-tuning, E = {epochs}") for epochs in (1, 2))
    if not one:
        return []
    whole = [a + (EPOCHS - 1) * (b - a) for a, b in zip(one, two, strict=True)]
    what = f"full fine-tuning, E = {EPOCHS}: EXTRAPOLATED, t(1) + {EPOCHS - 1} x (t(2) - t(1))"
    found = [_seconds(4, "full fine-tuning, E = 1", one), _seconds(4, what, whole)]
    ratio = f"full fine-tuning, E = {EPOCHS} (extrapolated) / train, empty store"
    return found + _ratio(4, ratio, whole, cold, above(60, 100))


def _experiences(numbers: Numbers) -> list[Line]:
    cases = [case for case in numbers.cases(6) if case.startswith("experience ")]
    if not cases:
        return []
    found = [_seconds(6, case, numbers.of(6, case)) for case in numbers.cases(6)[:1]]
    for quantity, words, unit, flat in (
        ("learning_seconds", "features and training of experience k", "s", True),
        ("scoring_seconds", "scoring all k experiences so far (grows by the reading)", "s", False),
        ("keeping_seconds", "all else of experience k: its state is kept", "s", True),
        ("peak_memory_mib", "peak memory within experience k", "MiB", True),
    ):
        # The first experience also builds the backbone and meets cold code.
        middles = [median(numbers.of(6, case, quantity)) for case in cases[1:]]
        steepness, error = slope(middles)
        growth = steepness * len(middles) / fmean(middles)
        is_flat = steepness <= STANDARD_ERRORS * error or growth <= FLAT_SHARE
        wanted = (
            f"growth within {STANDARD_ERRORS:g} standard errors, or below {FLAT_SHARE:.0%} in all"
        )
        found.append(
            Line(
                6,
                f"{words}: change per experience, k = 2 to {len(cases)}",
                f"{steepness:+.2g} ± {error:.1g} {unit} at a mean of {fmean(middles):.3g} {unit} "
                f"({growth:+.0%} in all)",
                f"{min(middles):.3g} to {max(middles):.3g} {unit}",
                wanted if flat else "",
                ("goal" if is_flat else "short") if flat else "",
            )
        )
    return found


def _scale(numbers: Numbers) -> list[Line]:
    found = []
    for case in numbers.cases(7):
        (seconds,), (speed,) = numbers.of(7, case), numbers.of(7, case, "images_per_second")
        (largest,) = numbers.of(7, case, "peak_memory_mib")
        (together,) = numbers.of(7, case, "together_mib")
        (stored,) = numbers.of(7, case, "store_bytes_per_image")
        known = not math.isnan(together)
        judge = below(MEMORY_MIB, MEMORY_MIB, " MiB")(together if known else largest)
        found += [
            Line(7, f"{case}: whole run", f"{seconds:.1f} s, {speed:.0f} images/s"),
            Line(7, f"{case}: peak memory, all processes", f"{together:.0f} MiB" if known else "",
                 f"largest process {largest:.0f} MiB", *judge),
            Line(7, f"{case}: store", f"{stored:,.0f} bytes an image"),
        ]  # fmt: skip
    return found


START_UP = {
    "mlff --help": (1.0, 0.4),
    "evaluate": (1.5, 1.0),
    "report": (0.8, 0.5),
    "train, a finished run": (0.8, 0.3),
}
"""Seconds that a quick command may take at most, and should."""


def _start_up(numbers: Numbers) -> list[Line]:
    found = []
    for case in numbers.cases(8):
        values = numbers.of(8, case)
        judged = below(*START_UP[case], " s")(median(values)) if case in START_UP else ("", "")
        found.append(Line(8, case, f"{median(values):.2f} s", _spread(values, " s"), *judged))
    return found


def _one_by_one(numbers: Numbers) -> list[Line]:
    found = []
    for case in numbers.cases(9):
        p50, p95, p99 = (numbers.of(9, case, quantity) for quantity in ("p50", "p95", "p99"))
        what = f"predict, one image at a time, {case}"
        judged = below(LATENCY, LATENCY, " ms")(median(p50))
        found.append(Line(9, f"{what}: p50", f"{median(p50):.1f} ms", _spread(p50, " ms"), *judged))
        busy = numbers.of(9, case, "p50_processor")
        for name, values in (("p95", p95), ("p99", p99), ("p50 of the processor's time", busy)):
            found.append(
                Line(9, f"{what}: {name}", f"{median(values):.1f} ms", _spread(values, " ms"))
            )
        found += _ratio(9, f"{what}: p99 / p50", p99, p50, below(2, 2))
    return found


def _thousands(numbers: Numbers) -> list[Line]:
    found = []
    cases = numbers.cases(10)
    memory = [numbers.of(10, case, "peak_memory_mib") for case in cases]
    for case, peak in zip(cases, memory, strict=True):
        speed = numbers.of(10, case, "images_per_second")
        found += [
            _seconds(10, f"predict, {case}: whole process", numbers.of(10, case)),
            Line(10, f"predict, {case}: speed", f"{median(speed):.1f} images/s", _spread(speed)),
            Line(10, f"predict, {case}: peak memory", f"{median(peak):.0f} MiB", _spread(peak)),
        ]
    if len(cases) > 1:
        what = f"predict, peak memory of {cases[-1]} / {cases[0]}"
        flat = 1 + FLAT_SHARE
        found += _ratio(10, what, memory[-1], memory[0], below(flat, flat))
    return found


def _further(numbers: Numbers) -> list[Line]:
    case = "a further product"
    values = numbers.of(11, case)
    if not values:
        return []
    judged = below(FURTHER_SECONDS, FURTHER_SECONDS, " s")(median(values))
    what = "train from=, a further product of 100 stored images"
    return [Line(11, what, f"{median(values):.2f} s", _spread(values, " s"), *judged)]


def write_numbers(file: Path, observations: Sequence[Observation]) -> None:
    """Write every number as a line of a CSV file."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(item.name for item in fields(Observation))
        writer.writerows(astuple(observation) for observation in observations)


def write(
    folder: Path, observations: Sequence[Observation], about: Sequence[str]
) -> tuple[Path, Path]:
    """Write benchmark.csv, every number, and benchmark.md, the table; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, table = folder / "benchmark.csv", folder / "benchmark.md"
    write_numbers(numbers, observations)
    text = [
        "# Benchmark", "", *about, "",
        "| figure | what | median | range | wanted | reached |", "|---|---|---|---|---|---|",
    ]  # fmt: skip
    for line in lines(observations):
        reached = {"goal": "yes", "target": "yes, not the goal", "short": "no", "": ""}
        cells = (line.figure, line.what, line.value, line.spread, line.wanted,
                 reached[line.verdict])  # fmt: skip
        text.append(f"| {' | '.join(map(str, cells))} |")
    table.write_text("\n".join(text) + "\n", encoding="utf-8")
    return numbers, table
