"""Novelty: the distance of Mahalanobis, p-values that keep their word, and awkward images."""

import numpy as np
import pytest
import torch
from sklearn.covariance import EmpiricalCovariance
from torch.nn import functional as F

from mlff_cli.heads.decision import smallest_share
from mlff_cli.heads.novelty import AXES, Novelty, joint_descriptor, level_descriptor


def images(count, classes=3, width=12, seed=0, start=0):
    """Return descriptors of classes that lie apart, some directions wider than others."""
    place = torch.Generator().manual_seed(99)
    centres = 3 * torch.randn(classes, width, generator=place)
    widths = torch.linspace(0.2, 1.0, width)
    draw = torch.Generator().manual_seed(seed)
    labels = torch.arange(start, start + count) % classes
    return centres[labels] + widths * torch.randn(count, width, generator=draw), labels


def naive_distances(novelty, training, descriptors, covariance):
    """Return the squared distances (B, C) by the inverse of a covariance (D, D)."""
    rows = F.normalize(descriptors.double()).numpy()
    means = novelty.means.double().numpy()
    inverse = np.linalg.inv(covariance)
    apart = rows[:, None] - means[None]
    return np.einsum("bcd,de,bce->bc", apart, inverse, apart)


def spread_of(novelty, training):
    rows = F.normalize(training[0].double())
    return (rows - novelty.means.double()[training[1]]).numpy()


def test_with_all_axes_it_is_the_distance_of_mahalanobis():
    training, others = images(600), images(40, seed=1)
    novelty = Novelty.fitted(training, images(90, seed=2), axes=11)
    assert novelty.axes.shape == (12, 11)
    reference = EmpiricalCovariance(assume_centered=True).fit(spread_of(novelty, training))
    rows = F.normalize(others[0].double()).numpy()
    expected = np.stack(
        [reference.mahalanobis(rows - mean) for mean in novelty.means.double().numpy()], axis=1
    )
    # The axes are kept in half precision.
    np.testing.assert_allclose(novelty.distances_of(others[0]).numpy(), expected, rtol=2e-3)


def test_with_some_axes_all_other_directions_share_one_variance():
    training, others = images(600), images(40, seed=1)
    novelty = Novelty.fitted(training, images(90, seed=2), axes=4)
    spread = spread_of(novelty, training)
    values, vectors = np.linalg.eigh(spread.T @ spread / len(spread))
    values[:-4] = values[:-4].mean()
    covariance = vectors @ np.diag(values) @ vectors.T
    expected = naive_distances(novelty, training, others[0], covariance)
    np.testing.assert_allclose(novelty.distances_of(others[0]).numpy(), expected, rtol=2e-3)
    assert float(novelty.rest) == pytest.approx(values[0], rel=1e-5)


def test_without_axes_it_is_the_plain_distance_in_units_of_the_mean_variance():
    training, others = images(300), images(40, seed=1)
    novelty = Novelty.fitted(training, images(90, seed=2), axes=0)
    assert novelty.axes.shape == (12, 0)
    variance = np.mean(np.square(spread_of(novelty, training)))
    expected = naive_distances(novelty, training, others[0], variance * np.eye(12))
    np.testing.assert_allclose(novelty.distances_of(others[0]).numpy(), expected, rtol=1e-4)


def test_fewer_images_than_numbers_are_told_by_the_same_axes():
    """Their variance in each direction is found from the smaller matrix."""
    training = images(20, classes=1, width=64)
    novelty = Novelty.fitted(training, images(10, classes=1, width=64, seed=1), axes=5)
    spread = spread_of(novelty, training)
    values, vectors = np.linalg.eigh(spread.T @ spread / len(spread))
    np.testing.assert_allclose(novelty.variances.numpy(), values[-5:], rtol=1e-3)
    overlap = np.abs(novelty.axes.numpy().T @ vectors[:, -5:])
    np.testing.assert_allclose(overlap, np.eye(5), atol=2e-2)


def test_the_length_of_a_descriptor_says_nothing():
    novelty = Novelty.fitted(images(200), images(60, seed=1))
    others, _ = images(20, seed=2)
    torch.testing.assert_close(novelty(1000 * others), novelty(others))


def test_p_values_count_validation_images_that_lie_as_far():
    training, validation, others = images(300), images(60, seed=1), images(25, seed=2)[0]
    novelty = Novelty.fitted(training, validation)
    own = novelty.distances_of(validation[0])[torch.arange(60), validation[1]]
    for row, found in zip(novelty.distances_of(others), novelty(others), strict=True):
        for distance, p_value in zip(row, found, strict=True):
            assert float(p_value) == pytest.approx((1 + int((own >= distance).sum())) / 61)


@pytest.mark.parametrize("axes", [0, AXES])
def test_of_images_like_its_own_no_larger_share_is_novel_than_allowed(axes):
    """Exchangeable images: P(p <= a) <= a, over validation sets and images, for every a."""
    shares = (0.02, 0.05, 0.1, 0.3)
    found = {share: [] for share in shares}
    for seed in range(60):
        validation, others = images(99, seed=2 * seed + 1), images(300, seed=2 * seed + 2)
        novelty = Novelty.fitted(images(120, seed=1000 + seed), validation, axes=axes)
        own = novelty(others[0])[torch.arange(300), others[1]]
        for share in shares:
            found[share].append(float((own <= share).double().mean()))
    for share, seen in found.items():
        error = np.std(seen) / np.sqrt(len(seen))
        assert np.mean(seen) <= share + 3 * error
        assert np.mean(seen) >= 0.7 * share  # and not for nothing


def test_with_few_validation_images_nothing_is_ever_novel():
    novelty = Novelty.fitted(images(300), images(60, seed=1))
    strange = -images(20, seed=2)[0]
    assert smallest_share(novelty) == pytest.approx(1 / 61)
    torch.testing.assert_close(novelty(strange), torch.full((20, 3), 1 / 61))
    assert bool((novelty(strange) > 0.01).all())
    enough = Novelty.fitted(images(300), images(99, seed=1))
    assert bool((enough(strange) <= 0.01).all())


def test_no_more_axes_are_told_apart_than_images_allow():
    for count, kept in ((3, 0), (4, 0), (5, 1), (11, 4), (1000, 11)):
        novelty = Novelty.fitted(images(count), images(30, seed=1), axes=50)
        assert novelty.axes.shape == (12, kept), count
        assert novelty.variances.shape == (kept,)
        assert bool((novelty.variances >= novelty.rest).all())


def test_a_single_class_and_a_single_number():
    training, validation = images(200, classes=1), images(99, classes=1, seed=1)
    novelty = Novelty.fitted(training, validation)
    assert novelty(validation[0]).shape == (99, 1)
    assert float(novelty(-validation[0]).max()) == pytest.approx(0.01)
    # One number is 1 or -1 once its length is taken out.
    narrow = Novelty.fitted((torch.ones(20, 1), torch.zeros(20, dtype=torch.int64)),
                            (torch.ones(99, 1), torch.zeros(99, dtype=torch.int64)))  # fmt: skip
    assert narrow(torch.tensor([[7.0], [-7.0]])).flatten().tolist() == pytest.approx([1.0, 0.01])


def test_images_that_are_all_the_same_leave_numbers():
    """No variance at all: what is the same is like, everything else is not."""
    row = torch.linspace(-1, 1, 8)
    same = row.repeat(120, 1), torch.zeros(120, dtype=torch.int64)
    novelty = Novelty.fitted(same, same)
    distances = novelty.distances_of(torch.stack([row, row + 0.1, torch.zeros(8), -row]))
    assert bool(torch.isfinite(distances).all())
    assert novelty.p_values(distances).flatten().tolist() == pytest.approx(
        [1.0, *[1 / 121] * 3], abs=1e-6
    )


def test_a_covariance_of_few_directions_leaves_numbers():
    """All images in a plane: a step out of it is farther than any within."""
    draw = torch.Generator().manual_seed(0)

    def plane(count):
        flat = torch.zeros(count, 10)
        flat[:, 0] = 5
        flat[:, 1:3] = torch.randn(count, 2, generator=draw)
        return flat

    nothing = torch.zeros(200, dtype=torch.int64)
    novelty = Novelty.fitted((plane(200), nothing), (plane(99), nothing[:99]), axes=9)
    inside, outside = plane(50), plane(50)
    outside[:, 7] = 1.0
    assert bool((novelty.distances_of(inside) >= 0).all())
    assert float(novelty(inside).mean()) == pytest.approx(0.5, abs=0.15)
    assert bool((novelty(outside) <= 0.01).all())


def test_a_descriptor_of_zeros_is_answered():
    novelty = Novelty.fitted(images(300), images(99, seed=1))
    assert bool(torch.isfinite(novelty.distances_of(torch.zeros(2, 12))).all())
    assert bool((novelty(torch.zeros(2, 12)) <= 0.01).all())
    some = images(30)
    some[0][4] = 0
    assert bool(torch.isfinite(Novelty.fitted(some, some)(some[0])).all())


def test_it_consists_of_its_parts():
    novelty = Novelty.fitted(images(300), images(60, seed=1))
    again = Novelty.of_parts({name: part.clone() for name, part in novelty.parts().items()})
    others, _ = images(40, seed=2)
    assert torch.equal(again(others), novelty(others))
    assert torch.equal(again.distances_of(others), novelty.distances_of(others))
    with pytest.raises(KeyError, match="rest"):
        Novelty.of_parts({k: v for k, v in novelty.parts().items() if k != "rest"})


def test_means_and_axes_lose_nothing_in_half_precision():
    """They are most of what is kept; a file may hold them so and says the same."""
    novelty = Novelty.fitted(images(300), images(60, seed=1))
    parts = novelty.parts()
    halves = parts | {name: parts[name].half() for name in ("means", "axes")}
    others, _ = images(40, seed=2)
    again = Novelty.of_parts(halves)
    assert torch.equal(again.distances_of(others), novelty.distances_of(others))


def test_double_precision_is_answered_as_single():
    novelty = Novelty.fitted(images(300), images(60, seed=1))
    others, _ = images(40, seed=2)
    assert torch.equal(novelty(others.double()), novelty(others))


def test_fits_of_the_same_images_are_the_same():
    training, validation = images(300), images(60, seed=1)
    one, two = (Novelty.fitted(training, validation).parts() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in Novelty.PARTS)


def test_levels_weigh_alike_in_their_descriptor():
    levels = [torch.tensor([[3.0, 4.0]]), torch.tensor([[0.0, 200.0, 0.0]])]
    assert level_descriptor(levels).tolist() == [pytest.approx([0.6, 0.8, 0.0, 1.0, 0.0])]
    assert level_descriptor([torch.zeros(2, 3)]).tolist() == [[0.0] * 3] * 2


def test_what_a_head_reads_and_the_levels_weigh_alike():
    read, levels = torch.tensor([[0.0, 7.0]]), torch.tensor([[3.0, 4.0, 0.0]])
    assert joint_descriptor(read, levels).tolist() == [pytest.approx([0, 1, 0.6, 0.8, 0])]
    assert joint_descriptor(read.half(), levels.double()).dtype == torch.float32
