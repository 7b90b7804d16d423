"""report.html of a finished run, from what it saved."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from mlff_cli.audit.levels import levels_table
from mlff_cli.audit.verdict import sentence
from mlff_cli.errors import UserError
from mlff_cli.results.comparison import REPORT
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.page.gallery import WorstImage
from mlff_cli.results.page.page import RunPage, run_page
from mlff_cli.results.similarity import similarity_table
from mlff_cli.results.table import Table
from mlff_cli.results.tables import run_table
from mlff_cli.runs.final_scores import FinalScores
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.record import RunRecord
from mlff_cli.system.files import write_atomically

WORST = "worst_images.json"


def write_page(
    folder: RunFolder,
    target: Path,
    config: Mapping[str, Any],
    *,
    record: RunRecord,
    matrix: ScoreMatrix,
    final: FinalScores,
) -> None:
    """Write report.html of a run into a folder."""
    page = RunPage(
        title=title_of(config),
        lead=f"{config['method']['name']} on {record.facts.backbone}, seed {record.facts.seed}, "
        f"finished {record.finished[:16].replace('T', ' ')} UTC",
        results=run_table(matrix, record.facts),
        matrix=matrix,
        scored=final.scored,
        figures=final.figures,
        points=final.tried_points,
        leaks=sentence(record.leaks) if record.leaks else "",
        leaking=record.leaks is not None and not record.leaks.passed,
        tables=tables_of(record),
        skipped=record.skipped,
        worst=worst_images(folder.path),
        provenance=provenance(folder, record),
        config=yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True),
    )
    write_atomically(target / REPORT, run_page(page))


def tables_of(record: RunRecord) -> list[Table]:
    """Return what a record tells beside scores: how levels were chosen, how alike products are."""
    levels = [levels_table(record.levels)] if record.levels else []
    return levels + ([similarity_table(record.similarity)] if record.similarity else [])


def title_of(config: Mapping[str, Any]) -> str:
    """Return the task in words."""
    task = config.get("task", {})
    return str(task.get("title") or task.get("name", ""))


def keep_worst_images(folder: Path, images: Sequence[WorstImage]) -> None:
    """Keep the worst images of a run: they cannot be made of what else it saved."""
    write_atomically(folder / WORST, msgspec.json.encode(images))


def worst_images(folder: Path) -> list[WorstImage]:
    """Return the worst images that were kept in a folder; none where none were.

    Raises:
        UserError: The file is damaged.
    """
    file = folder / WORST
    try:
        return msgspec.json.decode(file.read_bytes(), type=list[WorstImage])
    except FileNotFoundError:
        return []
    except (OSError, msgspec.MsgspecError) as error:
        raise UserError(
            f"{file}: is damaged ({error}); remove it to have the report without its worst images"
        ) from error


def provenance(folder: RunFolder, record: RunRecord) -> dict[str, str]:
    """Return what a run was made with, and the hashes that prove it."""
    made = folder.environment()
    packages = made.get("packages") or {}
    return {
        "command": record.command,
        "run": folder.path.name,
        **({"adapted": record.adapted} if record.adapted else {}),
        "finished": record.finished,
        "device": record.device,
        "program": f"mlff {made.get('mlff', '?')}, commit {made.get('commit') or 'unknown'}",
        "python": f"{made.get('python', '?')} on {made.get('platform', '?')}",
        "packages": ", ".join(f"{name} {version}" for name, version in packages.items()),
        "images (SHA-256)": record.data,
        **{f"{name} (SHA-256)": digest for name, digest in record.digests.items()},
    }
