import numpy as np
import pytest

from mlff_cli.config.plug_ins import beside
from mlff_cli.config.shipped import choices, shipped
from mlff_cli.errors import UserError
from mlff_cli.metrics import registry
from mlff_cli.metrics.figures import FIGURES
from mlff_cli.metrics.registry import all_metrics, by_file, by_name, check, computed


def test_metrics_are_known_by_their_file_and_by_their_name():
    assert by_file("mean_average_precision") is by_name("mAP")
    assert by_file("mean_absolute_error") is by_name("mae") is by_name("mae shift x")
    assert by_name("mae").belongs("mae dx") and not by_name("mAP").belongs("mAP dx")


@pytest.mark.parametrize("name", ["acuracy", "figures", "registry", "os.path", "../accuracy", ""])
def test_a_file_that_is_no_metric_is_refused(name):
    with pytest.raises(UserError, match=r"head\.metrics: there is no metric"):
        by_file(name)


@pytest.mark.parametrize("name", ["acuracy", "maedx", "mAP dx"])
def test_a_name_that_is_no_metrics_is_refused(name):
    with pytest.raises(UserError, match=f"metric '{name}' is unknown; "):
        by_name(name)
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        by_name("acuracy")


def test_without_a_metric_nothing_is_trained():
    check(["accuracy", "exact_match"])
    with pytest.raises(UserError, match=r"head\.metrics: is empty"):
        check([])
    with pytest.raises(UserError, match="did you mean 'accuracy'"):
        check(["exact_match", "acuracy"])


def test_every_value_has_its_name_in_the_matrix():
    scores, targets = np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1])
    files = ("accuracy", "mean_average_precision")
    assert computed(files, scores, targets, ["a", "b"]) == {"accuracy": 1.0, "mAP": 1.0}
    outputs, numbers = np.array([[12.0, 5.0], [30.0, 8.0]]), np.array([[10.0, 5.0], [30.0, 5.0]])
    values = computed(["mean_absolute_error"], outputs, numbers, ["x", "y"])
    assert values == {"mae": 1.25, "mae x": 1.0, "mae y": 1.5}
    assert list(values) == ["mae", "mae x", "mae y"]


def test_a_metric_that_is_none_of_such_outputs_is_named():
    with pytest.raises(UserError, match=r"head\.metrics: 'accuracy' cannot be computed"):
        computed(["accuracy"], np.zeros((2, 2)), np.zeros((2, 2)), ["x", "y"])


def test_every_head_names_metrics_that_there_are():
    for head in choices("head"):
        check(shipped(f"head/{head}")["metrics"])


def test_names_and_columns_are_told_apart():
    metrics = all_metrics()
    titles = [title for metric in metrics for title in metric.columns]
    assert len(set(titles)) == len(titles)
    assert len({metric.name for metric in metrics}) == len(metrics)
    assert {figure for metric in metrics for figure in metric.columns.values()} <= set(FIGURES)


def added(folder, **files):
    """Return a folder of --config-dir with these metrics in it."""
    for name, content in files.items():
        file = folder / f"metric/{name}.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text("from dataclasses import replace\nfrom mlff_cli.metrics.accuracy import "
                        f"METRIC as SHIPPED\n{content}\n")  # fmt: skip
    return folder


OWN = 'METRIC = replace(SHIPPED, name="own", always=False)'


def test_a_plug_in_counts_once_it_was_asked_for(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_used", {})
    with beside([added(tmp_path, own=OWN, broken="1 / 0")]):
        assert "own" not in [metric.name for metric in all_metrics()]
        assert by_name("own") is by_file("own")
        assert [metric.name for metric in all_metrics()].count("own") == 1
        check(["own", "accuracy"])
        with pytest.raises(UserError, match="ZeroDivisionError"):
            by_file("broken")
        with pytest.raises(UserError, match="metric 'owm' is unknown; did you mean 'own'"):
            by_name("owm")
        with pytest.raises(UserError, match="did you mean 'broken'"):
            by_file("brokn")


def test_a_plug_in_takes_no_name_away(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "_used", {})
    files = {"own": OWN, "other": OWN, "same": "METRIC = SHIPPED", "accuracy": OWN}
    with beside([added(tmp_path, **files)]):
        with pytest.raises(UserError, match="there is 'accuracy' already; rename it"):
            by_file("same")
        assert by_file("accuracy").name == "accuracy"
        with pytest.raises(UserError, match=r"metric 'own' is in .*other\.py and in .*own\.py"):
            by_name("own")
        metric = by_file("own")
        assert by_name("own") is metric
        with pytest.raises(UserError, match="called 'own', and there is 'own' already"):
            by_file("other")
