"""Losses, scores, targets and units of the three heads; a head that grows; a batch of one."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mlff_cli.config.shipped import shipped
from mlff_cli.data.generated import GeneratedImage
from mlff_cli.errors import UserError
from mlff_cli.heads.classifier import Classifier
from mlff_cli.heads.multi_label import MultiLabel
from mlff_cli.heads.regressor import Regressor
from mlff_cli.metrics.registry import computed
from mlff_cli.tasks.record import Record


def record(name="a.png", labels=(), targets=()):
    return Record(name, GeneratedImage("surfaces", ()), labels=labels, targets=targets)


NAMES = ("a", "b", "c", "d", "e")


def classifier(width=6, outputs=3, hidden=0, label_smoothing=0.0):
    return Classifier(width, NAMES[:outputs], hidden=hidden, label_smoothing=label_smoothing)


@pytest.mark.parametrize("hidden", [0, 8])
@pytest.mark.parametrize(
    "make",
    [
        classifier,
        lambda **keys: MultiLabel(6, NAMES[:3], **keys),
        lambda **keys: Regressor(6, NAMES[:3], **keys),
    ],
    ids=["classifier", "multi_label", "regressor"],
)
def test_shapes_and_a_hidden_layer(make, hidden):
    head = make(hidden=hidden)
    assert head(torch.randn(5, 6)).shape == (5, 3)
    assert head.scores(head(torch.randn(5, 6))).shape == (5, 3)
    parameters = sum(parameter.numel() for parameter in head.parameters())
    assert parameters == ((6 * 8 + 8) + 2 * 8 + 8 * 3 + 3 if hidden else 6 * 3 + 3)


def test_a_single_row_trains_with_batch_norm_and_leaves_its_statistics():
    torch.manual_seed(0)
    head = classifier(hidden=8).train()
    head(torch.randn(16, 6))
    before = {name: buffer.clone() for name, buffer in head.named_buffers()}
    row = torch.randn(1, 6)
    outputs = head(row)
    outputs.sum().backward()
    assert head.hidden[0].weight.grad is not None
    assert all(torch.equal(before[name], buffer) for name, buffer in head.named_buffers())
    assert head.training
    head.eval()
    assert torch.equal(outputs, head(row))
    head.train()(torch.randn(16, 6))
    assert not torch.equal(before["hidden.1.running_mean"], head.hidden[1].running_mean)


def test_a_head_that_grows_keeps_what_old_outputs_give():
    torch.manual_seed(0)
    head = classifier(outputs=2).eval()
    rows = torch.randn(4, 6)
    before = head(rows)
    head.grow(NAMES)
    after = head(rows)
    assert after.shape == (4, 5)
    torch.testing.assert_close(after[:, :2], before)
    assert head.linear.weight.requires_grad
    for known in (NAMES[:3], ("e", "b"), ()):
        head.grow(known)
        assert head.outputs == NAMES
    head.grow(("f", "a"))
    assert head.outputs == (*NAMES, "f")
    assert head(rows).shape == (4, head.n_outputs)
    torch.testing.assert_close(head(rows)[:, :5], after)


def test_the_classifier_by_hand():
    head = classifier(outputs=2)
    outputs = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
    targets = Classifier.targets([record(labels=("b",)), record(labels=("a",))], ["a", "b"])
    assert targets.tolist() == [1, 0]
    expected = (np.log1p(np.exp(2)) + np.log1p(np.exp(1))) / 2
    assert float(head.loss(outputs, targets)) == pytest.approx(expected)
    scores = head.scores(outputs)
    torch.testing.assert_close(scores.sum(1), torch.ones(2))
    smooth = classifier(outputs=2, label_smoothing=0.2)
    confident = torch.tensor([[50.0, 0.0]])
    assert float(smooth.loss(confident, torch.tensor([0]))) > 1
    assert float(head.loss(confident, torch.tensor([0]))) < 1e-6


def test_balanced_class_weights_let_every_class_weigh_alike():
    head = Classifier(6, NAMES[:3], hidden=0, label_smoothing=0.0, class_weights="balanced")
    before = head.state_dict().keys()
    targets = torch.tensor([0, 0, 0, 2])
    head.fit(targets)
    logits = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    each = F.cross_entropy(logits, targets, reduction="none")
    expected = (each[:3].mean() + each[3]) / 2
    assert float(head.loss(logits, targets)) == pytest.approx(float(expected))
    # of the experience that is learned: the next one has its own, and no state holds them
    head.fit(torch.tensor([1, 0]))
    assert head.weights.tolist() == [1, 1, 0]
    assert head.state_dict().keys() == before
    plain = classifier()
    plain.fit(targets)
    assert float(plain.loss(logits, targets)) == pytest.approx(float(each.mean()))


def test_scores_are_those_of_a_fit_that_a_head_takes():
    weight, bias = torch.eye(2, 6).double(), torch.tensor([0.5, 0.25]).double()
    descriptors = torch.tensor([[0.0, 0.25, 0, 0, 0, 0], [0.01, 0.26, 0, 0, 0, 0]])
    fitted = descriptors[:, :2] + bias.float()
    heads = [make(6, NAMES[:2], hidden=0) for make in (Regressor, MultiLabel)]
    heads[0].fit(torch.tensor([[10.0, 5.0], [30.0, 5.0]]))
    for head in heads:
        head.take_fit(weight, bias)
        torch.testing.assert_close(head.scores(head(descriptors)), fitted, atol=1e-3, rtol=0)
    plain = classifier(outputs=2)
    plain.take_fit(weight, bias)
    torch.testing.assert_close(plain(descriptors), fitted)
    assert plain.is_linear and not classifier(hidden=2).is_linear


@pytest.mark.parametrize("labels", [(), ("a", "b")])
def test_the_classifier_refuses_none_and_several_labels(labels):
    with pytest.raises(UserError, match=rf"'x\.png' has {len(labels)} labels"):
        Classifier.targets([record("x.png", labels=labels)], ["a", "b"])


@pytest.mark.parametrize("head", [Classifier, MultiLabel])
def test_a_label_that_is_no_output_is_named(head):
    with pytest.raises(UserError, match=r"'x\.png': (class|label) 'c' is none .*a, b"):
        head.targets([record("x.png", labels=("c",))], ["a", "b"])


def test_multi_label_by_hand():
    head = MultiLabel(6, NAMES[:2], hidden=0)
    records = [record(labels=("a", "b")), record(), record(labels=("b",))]
    targets = MultiLabel.targets(records, ["a", "b"])
    assert targets.tolist() == [[1, 1], [0, 0], [0, 1]]
    outputs = torch.tensor([[1.0, 2.0], [-1.0, -1.0], [-3.0, -0.5]])
    expected = F.softplus(torch.tensor([-1.0, -2.0, -1.0, -1.0, -3.0, 0.5])).mean()
    assert float(head.loss(outputs, targets)) == pytest.approx(float(expected))


@pytest.mark.parametrize(
    ("name", "make"),
    [("classifier", Classifier), ("multi_label", MultiLabel), ("regressor", Regressor)],
)
def test_shipped_heads_name_metrics_that_take_what_they_give(name, make):
    """Scores of a head and its own targets, straight through every metric that its YAML names."""
    keys = {key: value for key, value in shipped(f"head/{name}").items() if key != "name"}
    head = make(6, ["a", "b"], **keys).eval()
    records = [record(labels=("a",), targets=(1.0, 2.0)), record(labels=("b",), targets=(3.0, 4.0))]
    scores = head.scores(head(torch.randn(2, 6))).detach().numpy()
    targets = make.targets(records, ["a", "b"]).numpy()
    values = computed(head.metrics, scores, targets, ["a", "b"])
    assert len(values) >= len(head.metrics) >= 1 and np.isfinite(list(values.values())).all()


def test_the_regressor_trains_on_scaled_targets_and_scores_in_their_own_units():
    head = Regressor(6, ("x", "y"), hidden=0)
    targets = Regressor.targets(
        [record(targets=(10.0, 5.0)), record(targets=(30.0, 5.0))], ["x", "y"]
    )
    head.fit(targets)
    assert head.mean.tolist() == [20.0, 5.0]
    assert head.spread.tolist() == [10.0, 1.0]  # a target that never varies keeps its scale
    outputs = torch.tensor([[-1.0, 0.0], [1.0, 0.0]])
    assert float(head.loss(outputs, targets)) == 0.0
    assert head.scores(outputs).tolist() == [[10.0, 5.0], [30.0, 5.0]]
    assert float(head.loss(outputs + 3, targets)) == pytest.approx(2.5)  # linear beyond 1


def test_the_constants_of_a_head_are_taken_once_and_are_part_of_its_state():
    head = Regressor(6, ("x",), hidden=0)
    head.fit(torch.tensor([[1.0], [3.0]]))
    head.fit(torch.tensor([[100.0], [300.0]]))
    assert head.mean.tolist() == [2.0]
    other = Regressor(6, ("x",), hidden=0)
    other.load_state_dict(head.state_dict())
    other.fit(torch.tensor([[100.0], [300.0]]))
    assert other.mean.tolist() == [2.0]


def test_a_head_says_what_of_a_record_it_answers():
    assert [kind.answers for kind in (Classifier, MultiLabel, Regressor)] == [
        "labels", "labels", "targets",
    ]  # fmt: skip


def test_the_regressor_names_an_image_without_its_targets():
    with pytest.raises(UserError, match=r"'x\.png' has 0 targets; .* expects 2 \(dx, dy\)"):
        Regressor.targets([record("x.png", labels=("a",))], ["dx", "dy"])
