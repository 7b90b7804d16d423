"""What was found, as numbers and as a table."""

import csv
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from importlib.metadata import version
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """One number of one part.

    Attributes:
        part: Which part found it.
        case: Of what.
        quantity: What was measured.
        value: None where it is missing.
        wanted: What it should be, in words; "" where nothing is.
        verdict: "right", "wrong" (a result that must not be), "reached", "short" (of a goal),
            "missing", or "" where nothing is wanted.
        note: What else must be known.
    """

    part: str
    case: str
    quantity: str = ""
    value: float | None = None
    wanted: str = ""
    verdict: str = ""
    note: str = ""

    def __str__(self) -> str:
        shown = "" if self.value is None else f"{self.value:,.4g}"
        words = (self.part, self.case, self.quantity, shown, self.wanted, self.verdict, self.note)
        return "  ".join(filter(None, words))


def write(
    folder: Path, findings: Sequence[Finding], command: str, seconds: float
) -> tuple[Path, Path]:
    """Write results.csv and results.md, the machine in their first lines; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    numbers, table = folder / "results.csv", folder / "results.md"
    about = [*machine(), f"command: {command}", f"seconds: {seconds:.0f}"]
    columns = [field.name for field in fields(Finding)]
    with numbers.open("w", encoding="utf-8", newline="") as file:
        file.writelines(f"# {line}\n" for line in about)
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(asdict(finding) for finding in findings)
    rows = ["" if finding.value is None else f"{finding.value:,.6g}" for finding in findings]
    text = [
        "# On a GPU", "", *(f"- {line}" for line in about), "",
        f"| {' | '.join(columns)} |", "|---" * len(columns) + "|",
        *(
            f"| {' | '.join(str(cell) for cell in {**asdict(finding), 'value': shown}.values())} |"
            for finding, shown in zip(findings, rows, strict=True)
        ),
    ]  # fmt: skip
    table.write_text("\n".join(text) + "\n", encoding="utf-8")
    return numbers, table


def machine() -> list[str]:
    """Return the device, its driver and the versions of what was used, a line each."""
    import torch

    import mlff_cli

    device = "none: tried out on the CPU, the numbers tell nothing"
    if torch.cuda.is_available():
        device = f"{torch.cuda.get_device_name()}, driver {_driver()}, CUDA {torch.version.cuda}"
    return [
        f"device: {device}",
        f"versions: mlff {mlff_cli.__version__}, torch {torch.__version__}, "
        f"timm {version('timm')}, Python {platform.python_version()}",
        f"convolutions in fp32 may use TF32: {torch.backends.cudnn.allow_tf32}",
    ]


def _driver() -> str:
    try:
        asked = subprocess.run(
            ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return asked.stdout.strip().splitlines()[0]
