import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlff_cli.errors import UserError
from mlff_cli.results.matrix import COLUMNS, TOGETHER, ScoreMatrix
from mlff_cli.results.matrix_file import read_csv

HEADER = "experience_trained,experience_scored,metric,value,n\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


def small():
    matrix = ScoreMatrix(["steel", "tile", "cell"], learned=2)
    matrix.add(1, 1, "mAP", value=0.1 + 0.2, n=31)
    matrix.add(2, 1, "mAP", value=0.0, n=31)
    matrix.add(2, 2, "mAP", value=float("nan"), n=7)
    matrix.add(2, 3, "mAP", value=1.0, n=40)
    return matrix


@st.composite
def matrices(draw):
    names = draw(st.lists(TEXT, min_size=1, max_size=4))
    matrix = ScoreMatrix(names, draw(st.integers(1, len(names))))
    cells = st.tuples(
        st.integers(0, matrix.learned),
        st.integers(1, len(names)),
        st.sampled_from(["accuracy", "mAP", "mae", "mae dx"]),
    )
    values = st.floats(allow_infinity=False, width=64)
    for cell in draw(st.lists(cells, min_size=1, max_size=12)):
        n = draw(st.none() | st.integers(0, 10**9))
        matrix.add(*cell, value=draw(values), n=n)
    return matrix


@settings(max_examples=60)
@given(matrices())
def test_csv_round_trip_is_exact_and_byte_for_byte(tmp_path_factory, matrix):
    folder = tmp_path_factory.mktemp("matrix")
    matrix.to_csv(folder / "matrix.csv")
    read = read_csv(folder / "matrix.csv")
    assert (read.experiences, read.learned) == (matrix.experiences, matrix.learned)
    assert read.metrics == matrix.metrics
    assert list(map(repr, read.scored())) == list(map(repr, matrix.scored()))
    read.to_csv(folder / "again.csv")
    assert (folder / "again.csv").read_bytes() == (folder / "matrix.csv").read_bytes()


def test_columns_are_those_of_the_contract_and_blank_is_not_zero(tmp_path):
    small().to_csv(tmp_path / "matrix.csv")
    lines = (tmp_path / "matrix.csv").read_text().splitlines()
    assert lines[0].startswith(HEADER.strip() + ",")
    assert tuple(lines[0].split(",")[:5]) == COLUMNS
    # Every cell of the grid has its line, scored or not.
    assert len(lines) == 1 + 3 * 3
    assert "1,1,mAP,0.30000000000000004,31,steel" in lines
    assert "2,1,mAP,0.0,31,steel" in lines
    assert "2,2,mAP,,7,tile" in lines
    assert "1,2,mAP,,,tile" in lines


def test_arrays_hold_what_was_scored_and_nan_elsewhere():
    matrix = small()
    assert matrix.array("mAP").shape == (3, 2)
    np.testing.assert_array_equal(
        matrix.array("mAP"), [[np.nan, np.nan], [0.1 + 0.2, np.nan], [0.0, np.nan]]
    )
    np.testing.assert_array_equal(matrix.unseen_array("mAP"), [[np.nan], [np.nan], [1.0]])
    assert np.isnan(matrix.array("accuracy")).all()
    assert matrix.score("mAP", 2, 2).n == 7


def test_scored_without_a_value_is_not_never_scored(tmp_path):
    small().to_csv(tmp_path / "matrix.csv")
    for matrix in (small(), read_csv(tmp_path / "matrix.csv")):
        assert matrix.score("mAP", 2, 2).without_value and matrix.score("mAP", 2, 2).scored
        assert not matrix.score("mAP", 1, 2).without_value
        assert not matrix.score("mAP", 1, 2).scored
        masked = matrix.masked_array("mAP")
        assert np.argwhere(np.ma.getmaskarray(masked)).tolist() == [[2, 1]]
        assert np.isnan(masked[1, 1]) and masked[2, 0] == 0.0
        assert [cell[:2] for cell in matrix.scored()] == [(1, 1), (2, 1), (2, 2), (2, 3)]


def test_a_training_after_which_nothing_has_a_value_is_still_one():
    matrix = ScoreMatrix(["crack", "dent"], learned=2)
    matrix.add(1, 1, "mAP", value=math.nan, n=5)
    matrix.add(2, 2, "mAP", value=0.5, n=5)
    assert matrix.trainings("mAP") == [(1, "crack"), (2, "dent")]


def test_a_later_score_replaces_an_earlier_one():
    matrix = small()
    matrix.add(1, 1, "mAP", value=0.5, n=30)
    assert matrix.score("mAP", 1, 1) == (0.5, 30)


def test_what_is_scored_together_lies_beside_the_experiences_and_comes_back(tmp_path):
    matrix = small()
    matrix.add(1, TOGETHER, "mAP", value=0.6, n=30)
    matrix.add(2, TOGETHER, "mAP", value=math.nan, n=50)
    together = matrix.together_array("mAP")
    assert together.shape == (3, 1)
    assert together[1, 0] == 0.6
    assert together.mask.ravel().tolist() == [False, False, True]  # never scored is no mask
    assert np.isnan(together.data[0, 0])
    assert matrix.full_array("mAP").shape == (3, 3)
    matrix.to_csv(tmp_path / "matrix.csv")
    again = read_csv(tmp_path / "matrix.csv")
    assert str(list(again.scored())) == str(list(matrix.scored()))
    assert again.experiences == matrix.experiences
    again.to_csv(tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "matrix.csv").read_bytes()


def test_rows_are_taken_from_a_matrix_of_the_same_experiences():
    matrix, other = small(), ScoreMatrix(["steel", "tile", "cell"], learned=2)
    matrix.add(1, TOGETHER, "mAP", value=0.6, n=None)
    other.take_rows("mAP", *matrix.first_rows("mAP", 1))
    expected = [cell for cell in matrix.scored() if cell[0] <= 1]
    assert list(other.scored()) == expected and len(expected) == 2
    for names, learned in ((["steel", "tile"], 2), (["steel", "tile", "cell"], 1)):
        with pytest.raises(ValueError, match="shape"):
            ScoreMatrix(names, learned).take_rows("mAP", *matrix.first_rows("mAP", 2))
    with pytest.raises(UserError, match="unknown"):
        other.take_rows("mean", *matrix.first_rows("mAP", 1))


def test_trainings_are_named_by_what_was_trained_last():
    matrix = small()
    assert matrix.trainings("mAP") == [(1, "steel"), (2, "tile")]
    matrix.add(0, 3, "mAP", value=0.2, n=40)
    assert matrix.trainings("mAP", ["s", "t", "c"]) == [(0, "untrained"), (1, "s"), (2, "t")]
    joint = ScoreMatrix(["steel", "tile"], learned=2)
    joint.add(2, 1, "mAP", value=0.5, n=3)
    assert joint.trainings("mAP") == [(2, "all")]
    assert joint.trainings("accuracy") == [(1, "steel"), (2, "tile")]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((3, 1), 0.5),
        ((-1, 1), 0.5),
        ((1, -1), 0.5),
        ((1, 4), 0.5),
        ((1, 1), math.inf),
    ],
)
def test_scores_that_have_no_place_are_refused(place, value):
    with pytest.raises(ValueError, match=r"must be (from|finite)"):
        small().add(*place, "mAP", value=value, n=1)


def test_unknown_metrics_and_impossible_lengths_are_refused():
    with pytest.raises(UserError, match="did you mean 'mAP'"):
        small().add(1, 1, "mAPs", value=0.5, n=1)
    with pytest.raises(ValueError, match="3 of 2"):
        ScoreMatrix(["a", "b"], learned=3)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column experience_trained, experience_scored, metric, value, n;"),
        ("experience_trained,metric,value\n", "no column experience_scored, n; expected"),
        (HEADER, "has no scores"),
        (
            HEADER + "1,1,mAP,0.5,9\nx,1,mAP,0.5,9\n",
            "trained must be an integer from 0 up, not 'x'",
        ),
        (HEADER + "-1,1,mAP,0.5,9\n", "line 2: experience_trained must be an integer from 0 up"),
        (HEADER + "1,-1,mAP,0.5,9\n", "line 2: experience_scored must be an integer from 0 up"),
        (HEADER + "1,0,mAP,0.5,9\n", "has no scores"),
        (HEADER + '1,1,mAP,"0,5",9\n', "line 2: value must be a finite number, or blank"),
        (HEADER + "1,1,mAP,inf,9\n", "line 2: value must be a finite number, or blank"),
        (HEADER + "1,1,mAP,nan,9\n", "line 2: value must be a finite number, or blank"),
        (HEADER + "1,1,mAP,0.5,many\n", "line 2: n must be an integer from 0 up, not 'many'"),
        (HEADER + "1,1,AP,0.5,9\n", "line 2: metric 'AP' is unknown; did you mean 'mAP'"),
        (HEADER + "1,1,mAP,0.5,9\n1,1,mAP,0.6,9\n", "line 3: repeats an earlier line"),
        (HEADER + "2,1,mAP,0.5,9\n", "experience 2 was trained, but only 1 were scored"),
        (HEADER + "1\n", "line 2: experience_scored must be"),
        (
            HEADER.strip() + ",name_scored\n0,1,mAP,0.5,9,a\n1,1,mAP,0.5,9,b\n",
            "line 3: experience 1 is called 'b' here and 'a' above",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_named_by_line_and_column(tmp_path, text, message):
    path = tmp_path / "matrix.csv"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        read_csv(path)
    assert str(path) in str(error.value)
    assert message in str(error.value)


def test_files_that_are_no_tables_are_user_errors(tmp_path):
    (tmp_path / "bytes.csv").write_bytes(bytes(range(256)))
    for path in (tmp_path / "absent.csv", tmp_path, tmp_path / "bytes.csv"):
        with pytest.raises(UserError, match=str(path)):
            read_csv(path)


def test_a_file_in_the_plain_columns_is_read_with_indices_for_names(tmp_path):
    path = tmp_path / "matrix.csv"
    path.write_text("\ufeff" + HEADER + "1,1,mae dx,0.5,9\n1,2,mae dx,,\n")
    matrix = read_csv(path)
    assert matrix.experiences == ("1", "2")
    assert matrix.learned == 1
    assert matrix.array("mae dx")[1, 0] == 0.5
