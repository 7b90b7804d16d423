"""Runs of a sweep in this process; a function stands in for `mlff train`."""

import pytest
from sweep_samples import seeds

from mlff_cli.errors import UserError
from mlff_cli.sweeps.here import run_here
from mlff_cli.sweeps.notes import BROKEN_OFF, NOT_BEGUN


def trainer(errors):
    """Return what trains a run, or raises the error that is given for its seed."""

    def train(config, painter, listing):
        if error := errors.get(config["seed"]):
            raise error

    return train


def test_a_run_that_fails_takes_no_other_with_it(tmp_path, capsys):
    plan, notes = seeds(tmp_path, 3)
    run_here(plan, notes, trainer({0: UserError("no image"), 1: ZeroDivisionError("by nothing")}))
    user, internal, fine = (notes.error(run) for run in plan.runs)
    assert user == "no image" and "by nothing" in internal and fine is None
    said = capsys.readouterr()
    assert "mlff: this run failed: no image" in said.err
    assert said.out.count("---") == 3 and "small, mlff, seed 2" in said.out


def test_an_interrupted_sweep_says_how_far_it_came(tmp_path):
    plan, notes = seeds(tmp_path, 3)
    with pytest.raises(KeyboardInterrupt):
        run_here(plan, notes, trainer({1: KeyboardInterrupt()}))
    assert [notes.error(run) for run in plan.runs] == [None, BROKEN_OFF, NOT_BEGUN]
