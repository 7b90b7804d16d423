"""Answers on images: of which product, how unlike what is known, and what to do with the part."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from command_calls import call
from PIL import Image

from mlff_cli.config.shipped import shipped
from mlff_cli.data.surfaces import draw
from mlff_cli.errors import UserError
from mlff_cli.runs import predicting
from mlff_cli.runs.calibration import Calibration
from mlff_cli.runs.deciding import DecisionSettings
from mlff_cli.runs.deployed import of_run
from mlff_cli.runs.predicting import AUTO, Predictor
from mlff_cli.runs.reopen import reopen

DEFECTS = {"brushed_metal": "pit", "woven_fabric": "stain", "glazed_ceramic": "crack"}
PRODUCTS = tuple(DEFECTS)
SIZE = 64
LOOSE = DecisionSettings(novelty=0.05)
"""There are 75 validation images of a product: enough to tell one in twenty."""


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A run of three products, thirty images of each class, half of them for validation."""
    folder = tmp_path_factory.mktemp("work")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFF_CACHE", str(folder / "cache"))
        words = (f"data.image_size={SIZE}", "data.images_per_class=30", "method.epochs=6")
        result = call("train", *words, "splits.validation=0.5", "splits.test=0.04")
        assert result.code == 0, result.err
        (run,) = (folder / "runs" / "surface_defect").iterdir()
        opened = reopen(
            run,
            trainer=shipped("trainer/default"),
            paths={**shipped("paths/default"), "graphs": str(folder / "graphs")},
            keep_features=False,
        )
        yield of_run(opened)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """New parts of every product, none of them in the run, as files by product and class."""
    folder = tmp_path_factory.mktemp("photos")
    made = {}
    for product in PRODUCTS:
        for label in ("good", DEFECTS[product]):
            for number in range(8):
                file = folder / f"{product}_{label}_{number}.png"
                Image.fromarray(draw(7, product, label, number, SIZE)).save(file)
                made.setdefault((product, label == "good"), []).append(file)
    return made


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    files = [folder / f"{number}.png" for number in range(5)]
    for number, file in enumerate(files):
        pixels = np.random.default_rng(number).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
        Image.fromarray(pixels).save(file)
    return files


def of_product(photos, product):
    return [*photos[product, True], *photos[product, False]]


def answers(deployed, files, asked=None, settings=LOOSE):
    return list(Predictor(deployed, asked, settings).answers(files))


def test_the_product_of_each_image_is_found(deployed, photos, monkeypatch):
    monkeypatch.setattr(predicting, "AT_ONCE", 7)  # products mixed within a batch, the last ragged
    files = [file for turn in zip(*(of_product(photos, p) for p in PRODUCTS), strict=True)
             for file in turn]  # fmt: skip
    found = answers(deployed, files, AUTO)
    assert [answer.path for answer in found] == [str(file) for file in files]
    right = [Path(a.path).name.startswith(a.product) for a in found]
    assert np.mean(right) > 0.93  # at a size at which little is seen
    assert all(0 < answer.product_sure < 1 for answer in found)
    sure = np.array([answer.product_sure for answer in found])
    assert all(sure[np.logical_not(right)] < np.median(sure))


def test_what_is_found_out_answers_as_what_is_named(deployed, photos):
    for product in PRODUCTS:
        files = of_product(photos, product)
        for one, other in zip(
            answers(deployed, files, AUTO), answers(deployed, files, product), strict=True
        ):
            if one.product != product:
                continue
            assert (one.label, one.threshold) == (other.label, other.threshold)
            assert one.scores == pytest.approx(other.scores, abs=1e-6)
            assert one.novelty == pytest.approx(other.novelty)
            assert other.product_sure is None
            # By its product an image may be unknown, too; nothing else differs.
            assert one.decision in (other.decision, "unknown")


def test_how_sure_a_product_is_falls_between_two(deployed, photos, tmp_path):
    first, second = (Image.open(photos[p, True][0]) for p in PRODUCTS[:2])
    half = tmp_path / "half.png"
    Image.blend(first, second, 0.5).save(half)
    (torn,) = answers(deployed, [half], AUTO)
    plain = answers(deployed, [*photos[PRODUCTS[0], True], *photos[PRODUCTS[1], True]], AUTO)
    assert torn.product_sure < np.median([answer.product_sure for answer in plain])


def test_what_no_run_was_trained_on_is_unknown(deployed, photos, noise):
    for asked in (AUTO, *PRODUCTS):
        found = answers(deployed, noise, asked)
        assert {answer.decision for answer in found} == {"unknown"}, asked
        assert min(answer.novelty for answer in found) > 0.9 or asked == AUTO
    for product, other in zip(PRODUCTS, PRODUCTS[1:] + PRODUCTS[:1], strict=True):
        found = answers(deployed, photos[other, True], product)
        strange = [answer.decision in ("unknown", "review") for answer in found]
        assert np.mean(strange) > 0.7, (product, other)


def test_few_parts_like_its_own_are_held_back(deployed, photos):
    for asked, most in (("named", 0.05), (AUTO, 0.1)):
        held = [
            answer.decision in ("unknown", "review")
            for product in PRODUCTS
            for answer in answers(
                deployed, of_product(photos, product), product if asked == "named" else asked
            )
        ]
        # Four standard deviations of as many images above what is promised.
        assert np.mean(held) <= most + 4 * np.sqrt(most * (1 - most) / len(held)), asked


def test_with_too_few_validation_images_nothing_is_unknown(deployed, noise):
    """One in a hundred cannot be told from forty."""
    for asked in (AUTO, PRODUCTS[0]):
        found = answers(deployed, noise, asked, DecisionSettings(novelty=0.01))
        assert not {answer.decision for answer in found} & {"unknown", "review"}


def test_the_rarest_p_value_that_there_is_counts_by_product_and_by_class(deployed, noise):
    """At the limit itself, which a number of single precision may lie a hair beside."""
    count = len(deployed.calibration.heads[PRODUCTS[0]].novelty.distances)
    for asked in (AUTO, PRODUCTS[0]):
        at_it = answers(deployed, noise, asked, DecisionSettings(novelty=1 / (1 + count)))
        assert {answer.decision for answer in at_it} == {"unknown"}
        below = answers(deployed, noise, asked, DecisionSettings(novelty=0.999 / (1 + count)))
        assert "unknown" not in {answer.decision for answer in below}


def test_novelty_can_be_switched_off_and_is_told_all_the_same(deployed, noise):
    for asked in (AUTO, PRODUCTS[0]):
        off = answers(deployed, noise, asked, DecisionSettings(novelty=None))
        assert {answer.decision for answer in off} <= {"ok", "defect"}
        assert all(answer.novelty is not None for answer in off)


def test_a_threshold_of_ones_own(deployed, photos):
    files = of_product(photos, PRODUCTS[0])
    for asked in (AUTO, PRODUCTS[0]):
        settings = replace(LOOSE, novelty=None, threshold=0.3)
        for answer in answers(deployed, files, asked, settings):
            assert answer.threshold == 0.3
            assert answer.decision == ("defect" if answer.defect_score >= 0.3 else "ok")


def test_images_whose_likely_classes_are_several_are_looked_at_again(deployed, photos):
    files = of_product(photos, PRODUCTS[0])
    settings = DecisionSettings(novelty=None, review=0.2)
    plain = answers(deployed, files, PRODUCTS[0], DecisionSettings(novelty=None))
    truths = deployed.calibration.heads[PRODUCTS[0]].truths
    floor = float(truths[int(0.2 * (len(truths) + 1)) - 1])
    found = answers(deployed, files, PRODUCTS[0], settings)
    for answer, before in zip(found, plain, strict=True):
        several = sum(score >= floor for score in answer.scores.values()) != 1
        assert answer.decision == ("review" if several else before.decision)
    with pytest.raises(UserError, match=r"decision\.review=0\.01: .* 75 validation .* 99 are"):
        Predictor(deployed, PRODUCTS[0], DecisionSettings(review=0.01))


def test_a_run_that_kept_nothing_decides_by_its_threshold_alone(deployed, noise):
    old = replace(deployed, calibration=Calibration())
    found = answers(old, noise, PRODUCTS[0])
    assert {answer.decision for answer in found} <= {"ok", "defect"}
    assert {answer.novelty for answer in found} == {None}
    with pytest.raises(UserError, match="product=auto: nothing is kept"):
        Predictor(old, AUTO)
    with pytest.raises(UserError, match=r"decision\.review=0\.5: 'brushed_metal' has 0 validation"):
        Predictor(old, PRODUCTS[0], DecisionSettings(review=0.5))


def test_a_run_that_knows_some_of_its_products_only_does_not_choose(deployed):
    known = dict(deployed.calibration.experiences)
    del known[PRODUCTS[1]]
    partly = replace(deployed, calibration=Calibration(deployed.calibration.heads, known))
    with pytest.raises(UserError, match="product=auto"):
        Predictor(partly, AUTO)


def test_a_single_product_is_the_nearest_and_how_sure_is_not_said(deployed, photos, noise):
    first = PRODUCTS[0]
    alone = replace(
        deployed,
        heads={first: deployed.heads[first]},
        experiences={first: first},
        calibration=Calibration(
            {first: deployed.calibration.heads[first]},
            {first: deployed.calibration.experiences[first]},
        ),
    )
    for answer in answers(alone, of_product(photos, first), AUTO):
        assert (answer.product, answer.product_sure) == (first, None)
    assert {answer.decision for answer in answers(alone, noise, AUTO)} == {"unknown"}


def test_an_image_that_cannot_be_read_among_several_products(deployed, photos, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG")
    files = [photos[PRODUCTS[0], True][0], broken, photos[PRODUCTS[2], True][0]]
    first, bad, last = answers(deployed, files, AUTO)
    assert (first.product, last.product) == (PRODUCTS[0], PRODUCTS[2])
    assert bad.problem and not (bad.decision or bad.product)


def test_decisions_do_not_depend_on_what_else_is_asked(deployed, photos):
    files = [file for product in PRODUCTS for file in of_product(photos, product)]
    together = answers(deployed, files, AUTO)
    for file, one in zip(files[::5], together[::5], strict=True):
        (alone,) = answers(deployed, [file], AUTO)
        assert (alone.product, alone.label, alone.decision) == (
            one.product, one.label, one.decision,
        )  # fmt: skip
        assert alone.product_sure == pytest.approx(one.product_sure, abs=1e-4)
