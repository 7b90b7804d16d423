"""Operating points of runs: chosen on validation images, kept, and told."""

import logging

import numpy as np
import pytest
from configs_for_tests import small_config, tiny_backbone

from mlff_cli.errors import UserError
from mlff_cli.results.painter import Painter
from mlff_cli.results.predictions import defect_scores, defective
from mlff_cli.results.predictions_file import read
from mlff_cli.runs.execution import execute
from mlff_cli.runs.final_scores import final_scores
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.listing import listing_of


class NoPictures(Painter):
    """Draws nothing: what is drawn is tested elsewhere."""

    def begin(self, pictures):
        """Take no note."""


@pytest.fixture
def finished(tmp_path, weights_of):
    def made(**choices):
        keys = {"data.images_per_class": 12} | tiny_backbone(weights_of)
        config = small_config(
            tmp_path, backbone="timm", keys=keys | choices.pop("keys", {}), **choices
        )
        folder = RunFolder(tmp_path / "run")
        execute(config, listing_of(config), folder, NoPictures())
        return folder, config

    return made


def test_each_experience_has_a_threshold_that_holds_on_its_validation_images(finished):
    folder, _ = finished(keys={"operating_point.max_overkill": 0.34})
    points = folder.record().points
    assert [point.experience for point in points] == list(folder.matrix().experiences)
    parts = read(folder.path / "predictions.csv", "class", 3, "validation")
    for point, part in zip(points, parts, strict=True):
        assert (point.good, point.limit, point.most) == ("good", "max_overkill", 0.34)
        scores, flags = defect_scores(part, "good"), defective(part, "good")
        assert point.chosen_on.good == int((~flags).sum()) > 0
        rejected = int((scores[~flags] >= point.threshold).sum())
        assert point.chosen_on.rejected == rejected <= 0.34 * point.chosen_on.good
    text = (folder.path / "results.md").read_text("utf-8")
    assert text.count("chosen on validation images (max_overkill=0.34)") == 3
    figures = (folder.path / "figures.csv").read_text("utf-8")
    assert "brushed_metal,,escape,at max_overkill=0.34" in figures


def test_an_unseen_product_takes_the_validation_images_of_those_that_share_its_head(finished):
    folder, _ = finished(schedule="unseen_product", keys={"data.labelling": "good_defect"})
    first, second, unseen = folder.record().points
    for kind in ("good", "defective"):
        own = [getattr(point.chosen_on, kind) for point in (first, second)]
        assert getattr(unseen.chosen_on, kind) == sum(own)


def test_validation_images_that_are_scored_choose_nothing(finished, caplog):
    folder, config = finished(keys={"splits.scored": "validation"})
    assert folder.record().points == ()
    final = final_scores(folder, config, folder.record(), folder.matrix())
    assert final.tried_points == []
    assert "any defect" in (folder.path / "figures.csv").read_text("utf-8")


def test_numbers_and_products_without_good_parts_have_none(finished, caplog):
    caplog.set_level(logging.INFO)
    keys = {"data.labelling": "offsets", "data.images_per_class": 8}
    folder, _ = finished(data="placement", schedule="by_batch", head="regressor", keys=keys)
    assert folder.record().points == ()
    assert "Good or defective" not in (folder.path / "report.html").read_text("utf-8")


def test_a_good_class_that_no_image_has_is_refused_before_anything_is_trained(finished, tmp_path):
    with pytest.raises(UserError, match=r"data\.good=godo: .*'good'"):
        finished(keys={"data.good": "godo"})
    assert not (tmp_path / "run").exists()


def test_two_limits_are_refused(finished):
    with pytest.raises(UserError, match="give max_escape= or max_overkill="):
        finished(keys={"operating_point.max_escape": 0.1, "operating_point.max_overkill": 0.1})


def test_another_class_may_be_the_good_one(finished):
    folder, _ = finished(data="placement", schedule="by_batch", keys={"data.good": "missing"})
    assert {point.good for point in folder.record().points} == {"missing"}
    assert np.isfinite([point.threshold for point in folder.record().points]).all()
