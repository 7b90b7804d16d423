"""The table of a sweep over runs that are finished, failed or gone."""

import csv

import pytest
from sweep_samples import seeds

from mlff_cli.commands.train import train
from mlff_cli.results.painter import Painter
from mlff_cli.sweeps.plan import Plan, PlannedRun
from mlff_cli.sweeps.table import write_table


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A plan of three runs, of which the first is finished."""
    plan, notes = seeds(tmp_path_factory.mktemp("sweep"), 3)
    train(plan.runs[0].config, Painter())
    notes.write(plan.runs[0], None)
    notes.write(plan.runs[1], "was killed by signal 9")
    notes.write(plan.runs[2], None)
    return plan, notes


def rows(plan, name="runs.csv"):
    with (plan.folder / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_run_without_a_result_is_named_and_the_others_are_kept(trained, capsys):
    plan, notes = trained
    assert write_table(plan, notes, 1) == 1
    assert [row["error"] for row in rows(plan)] == [
        "",
        "was killed by signal 9",
        "its folder is gone",
    ]
    said = capsys.readouterr().out
    assert "3 runs" in said and "shared the processor" not in said


def test_seeds_are_one_row_whatever_changes_no_result(trained):
    plan, notes = trained
    first, second, _ = plan.runs
    trainer = {**second.config["trainer"], "workers": 1, "processes": 2}
    other = PlannedRun((), {**second.config, "trainer": trainer, "table": "paper"})
    train(other.config, Painter())
    two = Plan(plan.folder, (first, other), 1, "basic", "means", (), ())
    assert write_table(two, notes, 2) == 0
    for page in ("results.md", "report.html"):
        assert "up to 2 runs shared the processor" in (plan.folder / page).read_text("utf-8")
    (row,) = rows(plan, "results.csv")
    assert row["seeds"] == "2" and not {"trainer.workers", "table"} & row.keys()
