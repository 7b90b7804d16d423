"""A report takes over the pictures of its run where the same would be drawn, and draws others."""

import json
from dataclasses import replace

import pytest

from mlff_cli.results import pictures as module
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.pictures import DRAWN, Pictures, bring, draw


def save(folder, names=("left", "right"), value=0.5):
    matrix = ScoreMatrix(list(names), 1)
    matrix.add(1, 1, "mAP", value=value, n=4)
    matrix.to_csv(folder / "matrix.csv")


@pytest.fixture
def wanted(tmp_path):
    """What is drawn for a report on a run that has drawn its own pictures."""
    run, target = tmp_path / "run", tmp_path / "report"
    run.mkdir()
    target.mkdir()
    save(run)
    own = Pictures(str(run), str(run), "a task, mlff", {"deep": 0.25, "shallow": 0.75})
    draw(own)
    return replace(own, target=str(target))


def run_of(wanted):
    return module.Path(wanted.run)


def brought(wanted, monkeypatch):
    """Return the names that had to be drawn; those in the target are checked to be the same."""
    drawn = []
    for kind in ("score_matrix", "curves", "level_weights"):
        plot = getattr(module, kind)
        monkeypatch.setattr(module, kind, lambda path, *rest, plot=plot: (
            drawn.append(path.name), plot(path, *rest)))  # fmt: skip
    bring(wanted)
    target = module.Path(wanted.target)
    names = {"matrix_mAP.png", "curve_mAP.png", "level_weights.png"}
    assert {path.name for path in target.iterdir()} == names
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in target.iterdir())
    return drawn


def test_what_the_run_has_drawn_is_taken_over_byte_for_byte(wanted, monkeypatch):
    assert brought(wanted, monkeypatch) == []
    for path in module.Path(wanted.target).iterdir():
        assert path.read_bytes() == (run_of(wanted) / path.name).read_bytes()


def other_scores(wanted):
    save(run_of(wanted), value=0.6)


def changed_picture(wanted):
    with (run_of(wanted) / "curve_mAP.png").open("ab") as file:
        file.write(b"1")


def missing_picture(wanted):
    (run_of(wanted) / "curve_mAP.png").unlink()


def no_note(wanted):
    (run_of(wanted) / DRAWN).unlink()


def damaged_note(wanted):
    (run_of(wanted) / DRAWN).write_text("[1]")


def note_on_files_elsewhere(wanted):
    note = json.loads((run_of(wanted) / DRAWN).read_text())
    note["files"] = {f"../run/{name}": made for name, made in note["files"].items()}
    (run_of(wanted) / DRAWN).write_text(json.dumps(note))


@pytest.mark.parametrize(
    "change",
    [
        other_scores,
        changed_picture,
        missing_picture,
        no_note,
        damaged_note,
        note_on_files_elsewhere,
    ],
)
def test_all_are_drawn_where_one_would_be_another(wanted, change, monkeypatch):
    change(wanted)
    assert len(brought(wanted, monkeypatch)) == 3


@pytest.mark.parametrize(
    "change", [{"subject": "another task, mlff"}, {"level_weights": {"deep": 0.5, "flat": 0.5}}]
)
def test_another_title_or_other_weights_are_drawn(wanted, change, monkeypatch):
    assert len(brought(replace(wanted, **change), monkeypatch)) == 3


def test_another_version_of_the_program_draws_anew(wanted, monkeypatch):
    monkeypatch.setattr(module, "program", lambda: "9.9.9")
    assert len(brought(wanted, monkeypatch)) == 3


def test_names_that_need_fonts_are_drawn_anew(wanted, monkeypatch):
    """A font may have been installed since: the note in the picture asks for it."""
    save(run_of(wanted), names=("左", "右"))
    draw(replace(wanted, target=wanted.run))
    assert len(brought(wanted, monkeypatch)) == 3
