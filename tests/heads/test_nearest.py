"""Which of several kinds an image is of."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from torch.nn import functional as F

from mlff_cli.heads.nearest import Nearest
from mlff_cli.heads.novelty import Novelty

WIDTH = 10


def kinds(widths, count=300, seed=0, apart=1.0):
    """Return rows of kinds about centres of length one, as wide as asked for."""
    place = torch.Generator().manual_seed(5)
    centres = F.normalize(torch.randn(len(widths), WIDTH, generator=place)) * apart
    draw = torch.Generator().manual_seed(seed)
    return [
        centre + width * torch.randn(count, WIDTH, generator=draw)
        for centre, width in zip(centres, widths, strict=True)
    ]


def sketch(rows, axes=4):
    nothing = torch.zeros(len(rows), dtype=torch.int64)
    return Novelty.fitted((rows, nothing), (rows[:20], nothing[:20]), axes=axes)


def test_with_all_axes_it_is_fishers_linear_discriminant():
    rows = kinds([0.2, 0.3, 0.25])
    nearest = Nearest.of([sketch(own, axes=WIDTH - 1) for own in rows])
    together = F.normalize(torch.cat(rows)).numpy()
    truths = np.repeat(np.arange(3), 300)
    reference = LinearDiscriminantAnalysis(solver="lsqr").fit(together, truths)
    others = torch.cat(kinds([0.2, 0.3, 0.25], seed=1))
    distances = nearest(others)
    expected = reference.predict(F.normalize(others).numpy())
    assert np.mean(distances.argmin(dim=1).numpy() == expected) > 0.99
    # The distances themselves, by the inverse of the mean covariance.
    covariance = np.mean([np.cov(F.normalize(own).numpy().T, bias=True) for own in rows], axis=0)
    means = np.stack([F.normalize(own).mean(dim=0).numpy() for own in rows])
    steps = F.normalize(others).numpy()[:, None] - means
    naive = np.einsum("bpd,de,bpe->bp", steps, np.linalg.inv(covariance), steps)
    np.testing.assert_allclose(distances.numpy(), naive, rtol=0.02, atol=0.05)


def test_a_kind_that_varies_much_does_not_draw_the_others_to_itself():
    """By the covariance of each kind alone, one in six goes to the wide one."""
    widths = [0.8, 0.15, 0.15]
    sketches = [sketch(own, axes=0) for own in kinds(widths)]
    others = kinds(widths, seed=1)
    nearest = Nearest.of(sketches)
    shares = [float((nearest(own).argmin(dim=1) == k).double().mean()) for k, own in
              enumerate(others)]  # fmt: skip
    assert min(shares[1:]) > 0.95
    alone = torch.cat([sketch.distances_of(others[1]) for sketch in sketches], dim=1)
    assert float((alone.argmin(dim=1) == 1).double().mean()) < 0.9


def test_what_one_is_told_does_not_depend_on_the_others():
    rows = kinds([0.2] * 40, count=30)
    nearest = Nearest.of([sketch(own) for own in rows])
    together = nearest(torch.cat(rows))
    assert together.shape == (1200, 40)
    torch.testing.assert_close(nearest(rows[0][:1]), together[:1], rtol=1e-4, atol=1e-3)


def test_a_single_kind_and_kinds_that_do_not_vary():
    alone = Nearest.of([sketch(kinds([0.2])[0])])
    assert alone(torch.zeros(3, WIDTH)).shape == (3, 1)
    first, second = torch.eye(WIDTH)[0], torch.eye(WIDTH)[1]
    still = Nearest.of([sketch(row.repeat(40, 1)) for row in (first, second)])
    distances = still(torch.stack([first, second, first + 0.4 * second]))
    assert bool(torch.isfinite(distances).all())
    assert distances.argmin(dim=1).tolist() == [0, 1, 0]


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_the_length_of_a_descriptor_says_nothing(length):
    rows = kinds([0.2, 0.3])
    nearest = Nearest.of([sketch(own) for own in rows])
    torch.testing.assert_close(nearest(length * rows[0]), nearest(rows[0]), rtol=1e-3, atol=1e-2)
