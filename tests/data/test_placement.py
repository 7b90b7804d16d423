import inspect
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlff_cli.data.drawing.lots import LOTS
from mlff_cli.data.placement import CLASSES, ON_ITS_LANDS, Placement, draw, pose_of
from mlff_cli.errors import UserError

KINDS = [(batch, label) for batch in LOTS for label in CLASSES]


def picture(batch="batch_1", label="aligned", index=0, seed=0, size=64):
    return draw(generator_seed=seed, batch=batch, label=label, index=index, image_size=size)


def poses(label, count=300):
    return [pose_of(0, batch, label, index) for batch in LOTS for index in range(count // 5)]


def test_five_batches_of_one_product_have_the_same_classes():
    records = Placement(images_per_class=3).records()
    assert len(records) == 5 * 5 * 3
    assert {record.product for record in records} == {"component"}
    assert list(dict.fromkeys(record.batch for record in records)) == [
        f"batch_{number}" for number in range(1, 6)
    ]
    for batch in LOTS:
        labels = [record.labels for record in records if record.batch == batch]
        assert list(dict.fromkeys(labels)) == [(label,) for label in CLASSES]
    assert len({record.name for record in records}) == len(records)
    assert len({record.image.identity() for record in records}) == len(records)
    assert all(record.group == "" and record.targets == () for record in records)
    assert Placement().target_names == ()


def test_offsets_are_targets_of_the_same_images_as_far_as_components_lie_flat():
    by_class = {record.name: record for record in Placement(images_per_class=3).records()}
    dataset = Placement(images_per_class=3, labelling="offsets")
    records = dataset.records()
    assert dataset.target_names == ("dx_pixels", "dy_pixels", "angle_degrees")
    assert {record.labels[0] for record in records} == set(ON_ITS_LANDS)
    assert len(records) == 5 * 3 * 3
    for record in records:
        assert len(record.targets) == 3
        assert record.image.identity() == by_class[record.name].image.identity()
        assert record.labels == by_class[record.name].labels


@pytest.mark.parametrize("size", [64, 128])
def test_labels_follow_from_the_targets_within_the_stated_tolerances(size):
    for record in Placement(image_size=size, images_per_class=40, labelling="offsets").records():
        dx, dy, angle = record.targets
        offset = np.hypot(dx, dy) / size
        followed = "rotated" if abs(angle) > 6 else "shifted" if offset > 0.045 else "aligned"
        assert record.labels == (followed,)
        assert offset <= 0.03 or 0.06 <= offset <= 0.13
        assert abs(angle) <= 4 or 8 <= abs(angle) <= 30


def test_offsets_point_in_all_directions():
    for label in ("aligned", "shifted"):
        directions = np.array([np.arctan2(pose.dy, pose.dx) for pose in poses(label)])
        assert np.all(np.histogram(directions, 4, (-np.pi, np.pi))[0] > 40)
    angles = np.array([pose.angle for pose in poses("rotated")])
    assert 0.35 < (angles > 0).mean() < 0.65


def test_only_tombstoned_components_stand_up():
    assert all(pose.tilt == 0 for label in ON_ITS_LANDS for pose in poses(label, 50))
    tombstoned = poses("tombstoned")
    assert all(50 < pose.tilt < 90 for pose in tombstoned)
    assert {pose.end for pose in tombstoned} == {-1, 1}


def coat(image):
    """Return x, y of the middle and the angle of batch_5's green coat, from the image centre."""
    red, green = image[..., 0].astype(float), image[..., 1].astype(float)
    size = len(image)
    inner = slice(size // 6, -size // 6)
    mask = np.zeros(image.shape[:2], bool)
    mask[inner, inner] = (green > 1.06 * red)[inner, inner]
    y, x = np.nonzero(mask)
    covariance = np.cov(x, y)
    angle = 0.5 * np.arctan2(2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1])
    return x.mean() - size / 2 + 0.5, y.mean() - size / 2 + 0.5, np.degrees(angle)


@pytest.mark.parametrize("label", ON_ITS_LANDS)
def test_components_are_drawn_where_the_targets_say(label):
    """The board itself moves by 3 units and 1.5 degrees at most, and the marking hides green."""
    for index in range(8):
        pose = pose_of(0, "batch_5", label, index)
        x, y, angle = coat(picture("batch_5", label, index, size=128))
        assert abs(x - pose.dx * 128) < 5
        assert abs(y - pose.dy * 128) < 5
        assert abs(angle - pose.angle) < 6


def test_a_missing_component_leaves_its_lands():
    def dark(label):
        # The overcoat of batch_1 is the one thing that dark in the middle.
        return np.mean(
            [(picture("batch_1", label, i)[24:40, 24:40].max(axis=2) < 60).mean() for i in range(6)]
        )

    assert dark("missing") < 0.03
    assert dark("aligned") > 0.15


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"image_size": 0}, "data.image_size=0"),
        ({"image_size": [64, 96]}, "drawn are square; give one number"),
        ({"image_size": 100_000}, "32 to 1024"),
        ({"images_per_class": 0}, "data.images_per_class=0"),
        ({"labelling": "offset"}, "did you mean 'offsets'"),
        ({"variations": ["brightnes"]}, "did you mean 'brightness'"),
    ],
)
def test_wrong_values_are_named(arguments, message):
    with pytest.raises(UserError, match=message):
        Placement(**arguments)


def test_yaml_holds_the_keyword_arguments_and_their_defaults():
    text = (Path(__file__).parents[2] / "configs/dataset/placement.yaml").read_text()
    assert text.startswith("# @package data\n# ")
    expected = {
        name: list(p.default) if isinstance(p.default, tuple) else p.default
        for name, p in inspect.signature(Placement).parameters.items()
    }
    assert yaml.safe_load(text) == {"name": "placement", **expected}


@pytest.mark.parametrize(("batch", "label"), KINDS)
@pytest.mark.parametrize("size", [32, 75])
def test_every_class_is_drawn_at_any_size(batch, label, size):
    image = picture(batch, label, size=size)
    assert image.shape == (size, size, 3)
    assert image.dtype == np.uint8
    assert image.std() > 10
    assert 30 < image.mean() < 200


def test_the_same_arguments_give_the_same_pixels_in_another_process():
    code = (
        "import sys; from mlff_cli.data.placement import draw;"
        "sys.stdout.buffer.write(draw(5, 'batch_3', 'tombstoned', 2, 64).tobytes())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == picture("batch_3", "tombstoned", 2, seed=5).tobytes()


@pytest.mark.parametrize("change", [{"index": 1}, {"seed": 1}, {"label": "missing"}])
def test_no_two_images_share_their_noise(change):
    def grain(image):
        grey = image[:20].mean(axis=2)
        return (grey - np.roll(grey, 1, axis=0)).ravel()

    one, other = grain(picture()), grain(picture(**change))
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.5
    assert not np.array_equal(picture(), picture(**change))


def test_pixels_are_those_of_this_drawing_version():
    """When the drawing changes, raise DRAWING_VERSION and write the new figures here."""
    figures = [
        picture(batch, label, index=1, size=128).reshape(2, 64, 2, 64, 3).mean(axis=(1, 3, 4))
        for batch, label in (("batch_2", "shifted"), ("batch_4", "tombstoned"))
    ]
    expected = [
        [[97.62, 102.38], [73.52, 71.59]],
        [[58.42, 66.34], [67.35, 68.98]],
    ]
    assert np.abs(np.asarray(figures) - np.asarray(expected)).max() < 0.1


def test_batches_differ_in_board_light_and_lens():
    colours = np.array(
        [
            np.mean([picture(batch, index=i).mean(axis=(0, 1)) for i in range(4)], 0)
            for batch in LOTS
        ]
    )
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=2)
    assert distances[~np.eye(5, dtype=bool)].min() > 12


@pytest.mark.parametrize("batch", LOTS)
def test_colour_and_contrast_do_not_give_offsets_away(batch):
    """A missing component shows in the colours by its nature; how one sits does not."""
    features, labels = [], []
    for label in ON_ITS_LANDS:
        for index in range(40):
            image = picture(batch, label, index, size=48).astype(float)
            features.append([*image.mean(axis=(0, 1)), *image.std(axis=(0, 1))])
            labels.append(label)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    # Chance is 0.33, with a deviation of 0.043 for 120 images.
    assert cross_val_score(model, features, labels, cv=4).mean() < 0.5


def test_drawing_is_quick():
    durations = []
    for batch, label in KINDS:
        start = time.process_time()
        picture(batch, label, size=128)
        durations.append(time.process_time() - start)
    # Far above what it takes, so that only a wrong turn fails and not a busy machine.
    assert np.median(durations) < 0.08
