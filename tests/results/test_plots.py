from contextlib import contextmanager
from itertools import pairwise

import numpy as np
import pytest
from font_samples import known, write_font
from PIL import Image

from mlff_cli.results import canvas, curves_plot, matrix_plot, weights_plot
from mlff_cli.results.curves_plot import curves
from mlff_cli.results.lettering import NOTE
from mlff_cli.results.matrix import ScoreMatrix
from mlff_cli.results.matrix_plot import score_matrix
from mlff_cli.results.weights_plot import level_weights


def matrix_of(names, learned=None, metric="mAP", only_last=False, without_value=0):
    random = np.random.default_rng(0)
    matrix = ScoreMatrix(names, len(names) if learned is None else learned)
    for trained in range(1, matrix.learned + 1):
        for scored in range(1, len(names) + 1):
            seen = scored <= trained or scored > matrix.learned
            if seen and (not only_last or trained == matrix.learned):
                value = float("nan") if scored == without_value else random.random()
                matrix.add(trained, scored, metric, value=value, n=9)
    return matrix


AWKWARD = [r"$\frac$", "_hidden", "x" * 90, "鋼板\n"]
CASES = {
    "three": matrix_of(["steel", "tile", "cell"]),
    "one": matrix_of(["steel"]),
    "awkward": matrix_of(AWKWARD),
    "unseen": matrix_of(["steel", "tile", "cell"], learned=2),
    "joint": matrix_of(["steel", "tile", "cell"], only_last=True),
    "many": matrix_of([f"batch {n}" for n in range(31)], learned=30),
    "blank": ScoreMatrix(["steel", "tile"], learned=2),
    "without value": matrix_of(["steel", "tile", "cell"], without_value=2),
    "never a value": matrix_of(["steel"], without_value=1),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draw", [score_matrix, curves])
@pytest.mark.parametrize("case", CASES)
def test_pictures_of_a_matrix_are_whole_png_files(tmp_path, draw, case):
    path = tmp_path / "plots" / "picture.png"
    draw(path, CASES[case], "mAP", "surface_defect, mlff")
    with Image.open(path) as image:
        image.load()
        assert image.format == "PNG"
        assert 400 < image.width < 2400
        assert len(image.convert("RGB").getcolors(2**20)) > 10
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("draw", [score_matrix, curves])
def test_the_same_numbers_give_the_same_bytes_whatever_the_users_style(tmp_path, draw):
    import matplotlib

    matrix = CASES["three"]
    draw(tmp_path / "first.png", matrix, "mAP", "task")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red"}):
        draw(tmp_path / "second.png", matrix, "mAP", "task")
        assert matplotlib.rcParams["font.size"] == 30
    other = matrix_of(["steel", "tile", "cell"])
    other.add(3, 1, "mAP", value=0.01, n=9)
    draw(tmp_path / "other.png", other, "mAP", "task")
    first, second, changed = (
        (tmp_path / f"{name}.png").read_bytes() for name in ("first", "second", "other")
    )
    assert first == second
    assert first != changed


def test_errors_are_drawn_without_percent(tmp_path):
    matrix = matrix_of(["batch 1", "batch 2"], metric="mae dx")
    score_matrix(tmp_path / "matrix.png", matrix, "mae dx", "task")
    curves(tmp_path / "curves.png", matrix, "mae dx", "task")
    assert len(list(tmp_path.iterdir())) == 2


def test_level_weights(tmp_path):
    levels = ["blocks.0", "blocks.1", "blocks.2"]
    level_weights(tmp_path / "w.png", levels, np.array([0.2, 0.3, 0.5]), "task, mlff")
    assert (tmp_path / "w.png").stat().st_size > 1000


def test_pyplot_is_not_loaded(tmp_path):
    import subprocess
    import sys

    code = (
        "import sys, pathlib, numpy\n"
        "from mlff_cli.results.weights_plot import level_weights\n"
        f"level_weights(pathlib.Path({str(tmp_path / 'w.png')!r}), ['a'], numpy.ones(1), 't')\n"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


@pytest.fixture
def figures(monkeypatch):
    """Collects the figures that are drawn."""
    drawn = []

    @contextmanager
    def picture(*arguments, **named):
        with canvas.picture(*arguments, **named) as figure:
            yield figure
            drawn.append(figure)

    for module in (curves_plot, matrix_plot, weights_plot):
        monkeypatch.setattr(module, "picture", picture)
    return drawn


def texts(figure):
    from matplotlib.text import Text

    return [text.get_text() for text in figure.findobj(Text)]


def perfect(metric="mAP"):
    """Scores from 0 to 1, and low ones before any training."""
    matrix = ScoreMatrix(["steel", "tile"], 2)
    for trained, scored, value in (
        (0, 1, 0.02),
        (0, 2, 0.03),
        (1, 1, 1.0),
        (2, 1, 0.9),
        (2, 2, 1.0),
    ):
        matrix.add(trained, scored, metric, value=value, n=9)
    return matrix


@pytest.mark.parametrize("low", [0.0, 0.9])
def test_no_axis_of_shares_goes_beyond_what_shares_can_be(low, figures, tmp_path):
    matrix = perfect()
    matrix.add(2, 1, "mAP", value=low, n=9)
    curves(tmp_path / "c.png", matrix, "mAP", "task")
    bottom, top = figures[0].axes[0].get_ylim()
    assert 0 <= bottom <= 100 * low and top == 100


def test_an_axis_of_errors_is_left_as_it_is(figures, tmp_path):
    curves(tmp_path / "c.png", perfect("mae"), "mae", "task")
    assert figures[0].axes[0].get_ylim()[1] > 1


@pytest.mark.parametrize("weights", [[1.0], [0.01, 0.99], [0.5, 0.5]])
def test_weights_end_at_one(weights, figures, tmp_path):
    level_weights(tmp_path / "w.png", [f"level {w}" for w in weights], weights, "task")
    left, right = figures[0].axes[0].get_xlim()
    assert left == 0 and max(weights) <= right <= 1


def test_the_row_before_training_does_not_stretch_the_colours(figures, tmp_path):
    score_matrix(tmp_path / "m.png", perfect(), "mAP", "task")
    assert figures[0].axes[0].images[0].get_clim() == (90, 100)
    assert "untrained" in texts(figures[0]) and "2.0" in texts(figures[0])
    untrained = ScoreMatrix(["steel"], 1)
    untrained.add(0, 1, "mAP", value=0.31, n=9)
    score_matrix(tmp_path / "m.png", untrained, "mAP", "task")
    assert figures[1].axes[0].images[0].get_clim() == (30, 40)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("draw", [score_matrix, curves])
def test_letters_that_no_font_has_are_escapes_and_the_picture_says_so(draw, figures, tmp_path):
    names = ["\ue123\ue124", "\ue125 ✓"]
    draw(tmp_path / "p.png", matrix_of(names), "mAP", "\ue126, mlff")
    said = texts(figures[0])
    assert r"\ue123\ue124" in said and r"\ue125 ✓" in said
    assert any(r"\ue126, mlff" in text and NOTE[:20] in text for text in said)
    assert not any(set("\ue123\ue124\ue125\ue126") & set(text) for text in said)
    draw(tmp_path / "p.png", matrix_of(["Größe", "steel"]), "mAP", "task, mlff")
    assert not any("Noto" in text for text in texts(figures[1]))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("count", [12, 50, 140, 400])
def test_a_matrix_of_any_size_is_no_larger_than_names_apart_need(count, figures, tmp_path):
    score_matrix(tmp_path / "m.png", matrix_of([f"batch {n}" for n in range(count)]), "mAP", "task")
    (figure,) = figures
    assert max(figure.get_size_inches()) < 18
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels()]
    assert all(below.y1 <= above.y0 for above, below in pairwise(boxes))
    # No more names are left out than there is no room for.
    assert len(boxes) == count or boxes[0].y0 - boxes[1].y1 < boxes[0].height


@pytest.mark.filterwarnings("error")
def test_letters_of_an_installed_font_are_drawn(figures, tmp_path):
    with known(write_font(tmp_path / "font.ttf", "Noto Emoji", "\ue123")):
        score_matrix(tmp_path / "m.png", matrix_of(["\ue123"]), "mAP", "task")
    assert "\ue123" in texts(figures[0])
    assert not any("Noto" in text for text in texts(figures[0]))
