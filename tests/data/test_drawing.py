from dataclasses import replace

import numpy as np
import pytest

from mlff_cli.data.drawing import brushed_metal, glazed_ceramic
from mlff_cli.data.drawing.camera import Camera
from mlff_cli.data.drawing.fields import (
    blob,
    line_noise,
    rotated,
    smooth_noise,
    streaks,
    stroke,
    walk,
)
from mlff_cli.data.drawing.surface import Surface

PLAIN = Camera(
    azimuth=0.0,
    falloff=0.0,
    vignetting=0.0,
    blur=0.3,
    exposure=0.5,
    gamma=0.5,
    white=(1.0, 1.0, 1.0),
    noise=0.0,
)


def flat(size=64, grey=0.4):
    return Surface(
        height=np.zeros((size, size), np.float32),
        albedo=np.full((3, size, size), grey, np.float32),
        gloss=np.zeros((size, size), np.float32),
    )


def rng(seed=0):
    return np.random.default_rng(seed)


def test_a_dent_is_bright_where_it_faces_the_lamp_and_dark_before():
    surface = flat()
    along, across = rotated(64, 0.0)
    surface.height -= 3 * np.exp(-(along**2 + across**2) / 80)
    from_right = surface.lit(0.0)[0]
    left, right = from_right[32, 24:30].mean(), from_right[32, 34:40].mean()
    assert left > 0.42
    assert right < 0.38
    from_below = surface.lit(np.pi / 2)[0]
    assert from_below[24:30, 32].mean() > 0.42
    assert from_below[34:40, 32].mean() < 0.38


def test_a_flat_surface_shows_its_own_reflectance():
    assert np.allclose(flat().lit(1.0), 0.4)


def test_exposure_does_not_depend_on_the_reflectance():
    for grey in (0.05, 0.8):
        image = PLAIN.expose(flat(grey=grey).lit(0.0), 32, rng())
        assert image.shape == (32, 32, 3)
        assert abs(image.mean() - 127.5) < 1.5


def test_light_falls_off_away_from_the_lamp_and_into_the_corners():
    radiance = flat().lit(0.0)
    side = replace(PLAIN, falloff=0.5).expose(radiance, 64, rng()).astype(int)
    assert side[:, -8:].mean() > side[:, :8].mean() + 20
    corners = replace(PLAIN, vignetting=0.4).expose(radiance, 64, rng()).astype(int)
    assert corners[28:36, 28:36].mean() > corners[:6, :6].mean() + 20


def test_noise_and_blur_do_what_they_say():
    radiance = flat().lit(0.0)
    grain = replace(PLAIN, noise=0.02).expose(radiance, 64, rng()).mean(axis=2)
    assert 2 < grain.std() < 10
    radiance[:, 32:34, 32:34] = 2.0
    sharp = PLAIN.expose(radiance, 64, rng())
    soft = replace(PLAIN, blur=4.0).expose(radiance, 64, rng())
    assert int(sharp.max()) > int(soft.max()) + 30


def test_random_cameras_neither_burn_out_nor_drown():
    generator = rng()
    for _ in range(30):
        camera = Camera.random(generator)
        image = camera.expose(flat().lit(camera.azimuth), 64, generator)
        assert (image / 255).min() > 0.05 and (image / 255).max() < 1


@pytest.mark.parametrize("wavelength", [1.0, 6.0, 40.0, 500.0])
def test_noise_has_about_unit_deviation(wavelength):
    values = [smooth_noise(rng(seed), 64, wavelength).ravel() for seed in range(40)]
    assert 0.75 < np.concatenate(values).std() < 1.3
    lines = [line_noise(rng(seed), 64, wavelength) for seed in range(400)]
    assert 0.75 < np.concatenate(lines).std() < 1.3


def test_streaks_run_along_their_angle():
    noise = streaks(rng(), 128, 0.0, [(20, 0.5, 1.0)])
    along = np.abs(np.diff(noise, axis=1)).mean()
    across = np.abs(np.diff(noise, axis=0)).mean()
    assert across > 5 * along


def test_a_stroke_covers_its_path_only_and_may_leave_the_canvas():
    points = np.stack([np.linspace(-100, 100, 800), np.zeros(800)], axis=1)
    mask = stroke(128, points, 2.0)
    assert mask[63:65].min() == 1
    assert mask[:60].max() == mask[68:].max() == 0
    outside = stroke(128, np.array([[500.0, 500.0]]), 1.0)
    assert outside.max() == 0


def test_a_thin_stroke_is_fainter_than_a_pixel():
    points = walk(rng(), (0.0, 0.0), 0.3, 30, 0.0)
    assert 0 < stroke(128, points, 0.1).max() <= 0.2 + 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_no_spot_vanishes(seed):
    mask, _ = blob(rng(seed), 128, (3.3, -7.1), (1.0, 0.8), ragged=0.4, edge=0.3)
    assert 0.5 < mask.max() <= 1
    assert 0 < mask.sum() < 40


@pytest.mark.parametrize("material", [brushed_metal, glazed_ceramic])
def test_defects_are_visible_and_local(material):
    for kind in material.CLASSES[1:]:
        for seed in range(6):
            good = material.surface(rng(seed), "good", 128).lit(0.7)
            bad = material.surface(rng(seed), kind, 128).lit(0.7)
            change = np.abs(bad / good - 1).max(axis=0)
            assert change.max() > 0.12, (kind, seed)
            assert 4 <= (change > 0.05).sum() < 0.4 * change.size, (kind, seed)
