import pytest
from predictions_for_tests import predictions

from mlff_cli.results.operating_points import choose, limit_of, sentences, tried


def validation(truths="gggssp"):
    return predictions(truths, split="validation")


def test_a_point_is_chosen_on_validation_images_and_tried_on_others():
    point = choose("steel", [validation()], "good", "max_escape", 0.02)
    assert point.threshold == pytest.approx(0.55)
    assert (point.chosen_on.defective, point.chosen_on.escaped) == (3, 0)
    scores = [[0.9, 0.1, 0.0], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.3, 0.4, 0.3]]
    found = tried(point, predictions("gsgp", scores))
    assert (found.escaped, found.defective, found.rejected, found.good) == (1, 2, 1, 2)


def test_words_tell_how_sure_it_is_and_what_cannot_be_shown():
    point = choose("steel", [validation()], "good", "max_escape", 0.02)
    chosen, judged, few = sentences(point, predictions("ggss"))
    assert "0 of 3 defective ones escape and 0 of 3 good ones are rejected" in chosen
    assert "escape 0 of 2 (0.0 %, below 77.6 % with 95 % certainty)" in judged
    assert few == (
        "2 defective images are too few to show an escape rate below 2 %: 149 without any miss "
        "would"
    )
    assert len(sentences(point, predictions("s" * 149 + "g"))) == 2


@pytest.mark.parametrize(("truths", "lacking"), [("ggg", "defective"), ("ssp", "good"), ("", "")])
def test_without_both_kinds_there_is_no_point(truths, lacking):
    point = choose("steel", [validation(truths)], "good", "max_escape", 0.02)
    assert point.threshold is None
    assert tried(point, predictions()) is None
    (line,) = sentences(point, predictions())
    assert f"no {lacking or 'defective'} image is among the {len(truths)} validation" in line


def test_experiences_that_share_a_head_share_their_validation_images():
    point = choose("new", [validation("g"), validation("s")], "good", "max_overkill", 0.1)
    assert point.chosen_on.good == point.chosen_on.defective == 1
    assert "max_overkill=0.1" in sentences(point, predictions())[0]


def test_one_limit_is_held():
    assert limit_of(None, None) == ("max_escape", 0.02)
    assert limit_of(0.1, None) == ("max_escape", 0.1)
    assert limit_of(None, 0.0) == ("max_overkill", 0.0)
    with pytest.raises(ValueError, match="both"):
        limit_of(0.1, 0.1)
    point = choose("steel", [validation()], "good", "max_escape", 0.0)
    assert "no number of images shows max_escape=0" in sentences(point, predictions())[-1]
