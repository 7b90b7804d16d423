"""Many configs of one command: each is what Hydra composes of its words."""

import pytest

from mlff_cli.config.composition import Composer
from mlff_cli.config.overrides import readable
from mlff_cli.config.variants import Variants
from mlff_cli.errors import UserError

WORDS = (
    ("seed=3",),
    ("seed=4", "task=solar_cells", "data.image_size=[128,320]"),
    ("method=finetune", "method.epochs=2", "seed=5"),
    ("method.epochs=2", "method=mlff", "fusion=conv1x1", "fusion.pooling=[mean]"),
    ("experiment=paper_table", "data.image_size=64"),
    ("dataset=folder", "task=custom", "data.root=/a b/(c)=1", "data.good=null"),
    ("paths.runs=${paths.features}/runs", "data.images_per_class=7"),
    ("trainer.checkpoint_every=1", "trainer.checkpoint_every=2"),
    ("+trainer.checkpoint_every=1", "trainer.checkpoint_every=2"),
    ("schedule@schedule=by_class", "seed=6"),
    ("hydra.sweep.dir=elsewhere", "seed=7"),
    ("~tracker", "seed=8"),
)


@pytest.fixture(scope="module")
def composer():
    with Composer.opened("train") as opened:
        yield opened


def answer(compose, words):
    """Return the config, or the words of the refusal."""
    try:
        return compose(words)
    except UserError as error:
        return str(error)


def test_each_is_what_hydra_composes_whatever_came_before(composer):
    variants = Variants(composer)
    for words in (*WORDS, *reversed(WORDS)):
        own = readable(words, several=True)
        assert answer(variants.checked, own) == answer(composer.checked, own), words


@pytest.mark.parametrize(
    "words",
    [
        ("seed=many",),
        ("seeds=1",),
        ("method.epoch=1", "seed=1"),
        ("method=mlf",),
        ("fusion=conv1x1", "fusion.pooling=[all]"),
        ("data.root=${nothing.there}", "task=custom"),
        ("seed.deep=1",),
    ],
)
def test_what_is_wrong_is_told_as_ever(composer, words):
    own = readable(words, several=True)
    refusal = answer(composer.checked, own)
    assert isinstance(refusal, str)
    assert answer(Variants(composer).checked, own) == refusal


def test_files_are_merged_once_and_no_config_shares_anything_with_another(composer, monkeypatch):
    merged, variants = [], Variants(composer)
    composed = composer.composed
    monkeypatch.setattr(composer, "composed", lambda words: merged.append(words) or composed(words))
    one, two = (variants.checked([f"seed={seed}", "fusion.pooling=[mean]", "fusion=conv1x1"])
                for seed in (1, 2))  # fmt: skip
    assert merged == [("fusion=conv1x1",)]
    assert (one["seed"], two["seed"]) == (1, 2)
    one["fusion"]["pooling"].append("max")
    assert two["fusion"]["pooling"] == ["mean"]
