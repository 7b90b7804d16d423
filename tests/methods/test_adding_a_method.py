"""Adding a method: one Python file, one YAML and one test.

`ClassMeans` and its imports are what `mlff_cli/methods/class_means.py` would hold, YAML what
`configs/method/class_means.yaml` would. What follows them is the test.
"""

import inspect
import sys

import pytest
import torch
import yaml
from configs_for_tests import digits_manifest, learned, matrix_bytes, small_config, task_of
from torch import Tensor
from torch.nn import functional as F

from mlff_cli.features.columns import everything
from mlff_cli.methods.base import Context, Journal, State
from mlff_cli.methods.frozen import FrozenMethod
from mlff_cli.runs.building import build_method
from mlff_cli.runs.checkpoints import Checkpoints
from mlff_cli.tasks.experience import Experience, Step

YAML = """
# Nearest class mean on the frozen backbone: a formula, no training.
name: class_means
# How sharply probabilities fall with the squared distance to a mean.
sharpness: 0.1
"""


class ClassMeans(FrozenMethod):
    """Nearest class mean (Mensink et al. 2013): the logit of a class is s (m.x - |m|^2 / 2).

    Of every class the number of images and the sum of their descriptors are kept, so that further
    experiences are added to them.
    """

    def __init__(self, context: Context, *, sharpness: float) -> None:
        super().__init__(context)
        self.sharpness = sharpness
        self.sums: list[Tensor] = []  # for each head (O, 1 + D): numbers and sums

    @torch.no_grad()
    def learn(self, step: Step, journal: Journal) -> None:
        for experience in step.experiences:
            columns = self.read([record.image for record in experience.train])
            self.adapters.fusion.fit(everything(columns))
            self.add(experience, self.descriptors(columns, experience.head).cpu().double())

    def add(self, experience: Experience, descriptors: Tensor) -> None:
        head, place = self.adapters[experience.head], list(self.heads).index(experience.head)
        classes = F.one_hot(head.targets(experience.train, head.outputs), head.n_outputs)
        sums = classes.T.double() @ F.pad(descriptors, (1, 0), value=1.0)  # (O, 1 + D)
        for before in self.sums[place : place + 1]:
            sums[: len(before)] += before
        self.sums[place : place + 1] = [sums]
        means = sums[:, 1:] / sums[:, :1].clamp(min=1)  # (O, D)
        head.linear.weight.copy_(self.sharpness * means)
        head.linear.bias.copy_(-self.sharpness / 2 * means.square().sum(dim=1))

    def state(self) -> State:
        learned, sums = super().state(), {f"sums.{n}": t for n, t in enumerate(self.sums)}
        return State(learned.heads, {**learned.tensors, **sums})

    def load(self, state: State) -> None:
        tensors = dict(state.tensors)
        self.sums = [tensors.pop(f"sums.{place}") for place in range(len(state.heads))]
        super().load(State(state.heads, tensors))


def test_the_method_takes_less_than_forty_lines():
    assert len(inspect.getsource(ClassMeans).splitlines()) < 40


@pytest.fixture
def config(tmp_path, monkeypatch):
    """Put the file and its YAML where `method=class_means` finds them."""
    monkeypatch.setitem(sys.modules, "mlff_cli.methods.class_means", sys.modules[__name__])

    def make(**choices):
        keys = choices.pop("keys", {})
        made = small_config(tmp_path, fusion="deepest", keys=keys, **choices)
        return {**made, "method": yaml.safe_load(YAML)}

    return make


def test_it_tells_handwritten_digits_apart(config, tmp_path):
    manifest = digits_manifest(tmp_path, "label", lambda digit, side: str(digit), count=160)
    keys = {"data.file": str(manifest), "data.image_size": 64}
    method, outcome = learned(config(data="csv", keys=keys), tmp_path / "state")
    assert outcome.matrix.score("accuracy", 1, 1).value > 0.3  # ten classes: 0.1 by chance
    assert method.trainable_parameters() == 10 * (method.adapters.fusion.width + 1)


def test_broken_off_and_resumed_it_gives_the_same_bytes(config, tmp_path, monkeypatch):
    class BrokenOff(BaseException):
        pass

    method, outcome = learned(config(), tmp_path / "whole")
    save = Checkpoints.save

    def breaking(self, progress):
        save(self, progress)
        raise BrokenOff

    monkeypatch.setattr(Checkpoints, "save", breaking)
    for _ in range(3):
        with pytest.raises(BrokenOff):
            learned(config(), tmp_path / "state")
    resumed, again = learned(config(), tmp_path / "state")
    assert matrix_bytes(again, tmp_path) == matrix_bytes(outcome, tmp_path)
    expected = method.state().tensors
    assert all(torch.equal(t, expected[name]) for name, t in resumed.state().tensors.items())


def test_what_it_learned_is_loaded_into_a_fresh_one(config, tmp_path):
    method, _ = learned(config(), tmp_path / "state")
    fresh = build_method(config())
    fresh.load(method.state())
    for experience in task_of(config()).experiences:
        images = [record.image for record in experience.test]
        scores = method.scores(experience.head, images)
        assert (fresh.scores(experience.head, images) == scores).all()


def test_the_order_of_experiences_with_a_shared_head_does_not_matter(config, tmp_path):
    """The constants of the standardisation, which the first experience gives, are set before."""
    run = config(data="placement", schedule="by_batch", keys={"data.images_per_class": 4})
    steps = [Step((experience,)) for experience in task_of(run).experiences]
    weights = []
    for order in (steps, steps[::-1]):
        method = build_method(run)
        images = [record.image for step in steps for record in step.records("train")]
        method.adapters.fusion.fit(everything(method.read(images)))
        for step in order:
            method.begin(step)
            method.learn(step, Journal())
        weights.append(method.adapters["shared"].linear.weight.detach())
    torch.testing.assert_close(weights[0], weights[1], rtol=1e-6, atol=1e-7)


def test_a_head_that_grows_is_learned_class_by_class(config, tmp_path):
    keys = {"schedule.classes_per_experience": 4}
    method, outcome = learned(config(schedule="by_class", keys=keys), tmp_path / "state")
    assert len(method.heads["shared"]) == 11
    assert outcome.matrix.score("accuracy", 3, 1).n
