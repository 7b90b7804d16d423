"""A run that is opened on a device answers as on the processor."""

import pytest
from card import card
from PIL import Image

from mlff_cli.config.shipped import shipped
from mlff_cli.data.surfaces import draw
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.deployed import of_run
from mlff_cli.runs.predicting import AUTO, Predictor
from mlff_cli.runs.reopen import reopen


def answers(run, paths, graphs):
    trainer = {**shipped("trainer/default"), "device": "cpu", "workers": 0, "batch_size": 16}
    at = {**shipped("paths/default"), "graphs": str(graphs)}
    opened = reopen(run, trainer=trainer, paths=at, keep_features=False)
    settings = DecisionSettings(novelty=0.3)
    predictor = Predictor(of_run(opened), asked=AUTO, settings=settings, look=True)
    return list(predictor.answers(paths))


# torch takes the card for a device without values; what follows would notice.
@pytest.mark.filterwarnings("ignore:.*meta parameter")
def test_products_scores_novelty_and_places_are_the_same(run_folder, tmp_path):
    paths = [tmp_path / f"{number}.png" for number in range(3)]
    products = ("brushed_metal", "woven_fabric", "glazed_ceramic")
    for number, (path, product) in enumerate(zip(paths, products, strict=True)):
        Image.fromarray(draw(3, product, "good", number, 32)).save(path)
    with card(batch_size=16):
        there = answers(run_folder, paths, tmp_path)
    for one, other in zip(there, answers(run_folder, paths, tmp_path), strict=True):
        assert one.scores and one.scores == other.scores
        assert (one.product, one.label, one.decision) == (
            other.product,
            other.label,
            other.decision,
        )
        assert (one.novelty, one.product_sure) == (other.novelty, other.product_sure)
        assert (one.where == other.where).all()
