import pytest
from predictions_for_tests import numbers, predictions

from mlff_cli.errors import UserError
from mlff_cli.results.predictions_file import header, lines, read

OUTPUTS = ("good", "scratch", "pit", "hole")


def written(tmp_path, *parts, outputs=OUTPUTS):
    file = tmp_path / "predictions.csv"
    file.write_text(header(outputs) + "".join(lines(part, outputs) for part in parts), "utf-8")
    return file


def same(left, right):
    assert (left.scores == right.scores).all()
    for name in ("experience", "trained", "split", "kind", "outputs"):
        assert getattr(left, name) == getattr(right, name)
    for name in ("images", "contents", "groups", "truths"):
        assert list(getattr(left, name)) == list(getattr(right, name))


def test_what_was_written_is_read_to_the_bit(tmp_path):
    first = predictions("gp", [[1 / 3, 1e-9, 2 / 3], [0.1, 0.2, 0.7]])
    second = predictions("h", experience="ti,le\n", trained=2, outputs=("good", "hole"))
    back = read(written(tmp_path, first, second), "class")
    assert len(back) == 2
    same(back[0], first)
    same(back[1], second)


def test_only_one_moment_or_split_is_read(tmp_path):
    parts = [
        predictions(trained=0),
        predictions(trained=1),
        predictions(trained=1, split="validation"),
    ]
    file = written(tmp_path, *parts)
    assert [(p.trained, p.split) for p in read(file, "class", 1)] == [
        (1, "test"),
        (1, "validation"),
    ]
    assert len(read(file, "class", 1, "test")) == 1


def test_labels_and_numbers(tmp_path):
    labels = predictions(["-", "sp"], kind="labels")
    (back,) = read(written(tmp_path, labels), "labels")
    same(back, labels)
    offsets = numbers([[1.25], [-0.5]], [[1.0], [0.25]])
    (back,) = read(written(tmp_path, offsets, outputs=("dx",)), "numbers")
    same(back, offsets)


@pytest.mark.parametrize(
    "text", ["", "path,label\n", header(OUTPUTS) + "1,steel,test,a.png,0,,good,good,x,,,\n"]
)
def test_a_damaged_file_is_named(tmp_path, text):
    file = tmp_path / "predictions.csv"
    file.write_text(text)
    with pytest.raises(UserError, match=r"predictions\.csv: is damaged"):
        read(file, "class")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UserError, match=r"predictions\.csv: cannot be read"):
        read(tmp_path / "predictions.csv", "class")
