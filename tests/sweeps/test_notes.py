"""Notes on the runs of a sweep."""

import json

from sweep_samples import seeds

from mlff_cli.sweeps.notes import NOT_BEGUN, Notes


def test_a_run_is_noted_from_its_plan_to_its_end(tmp_path):
    plan, notes = seeds(tmp_path, 2)
    first, second = plan.runs
    assert [notes.error(run) for run in plan.runs] == [NOT_BEGUN, NOT_BEGUN]
    notes.write(first, None)
    notes.write(second, "no room")
    elsewhere = Notes(plan.folder)
    assert [elsewhere.error(run) for run in plan.runs] == [None, "no room"]


def test_a_note_says_where_the_run_lies_and_what_makes_it(tmp_path):
    plan, _ = seeds(tmp_path, 1)
    (file,) = (plan.folder / "jobs").iterdir()
    note = json.loads(file.read_text())
    assert note["run"] == str(plan.runs[0].folder.path)
    assert note["words"] == ["seed=0"]


def test_a_sweep_that_begins_again_forgets_what_was_noted(tmp_path):
    plan, notes = seeds(tmp_path, 2)
    notes.write(plan.runs[0], "no room")
    notes.begin(plan.runs[:1])
    assert notes.error(plan.runs[0]) == NOT_BEGUN
    assert len(list((plan.folder / "jobs").iterdir())) == 1
    assert notes.error(plan.runs[1]) == NOT_BEGUN
