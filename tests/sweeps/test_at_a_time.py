"""How many runs at a time: by cores, memory and device; and which of them wait for features."""

import pytest
from configs_for_tests import small_config
from sweep_samples import seeds

from mlff_cli.sweeps import at_a_time
from mlff_cli.sweeps.at_a_time import features_read, fitting
from mlff_cli.sweeps.plan import PlannedRun


@pytest.mark.parametrize(
    ("cores", "gibibytes", "device", "fit"),
    [(2, 24, "cpu", 2), (64, 512, "cpu", 8), (64, 16, "cpu", 4), (4, 2, "cpu", 1),
     (1, 24, "cpu", 1), (16, 128, "cuda", 1)],
)  # fmt: skip
def test_as_many_of_eight_as_there_is_room_for(
    tmp_path, monkeypatch, cores, gibibytes, device, *, fit
):
    plan, _ = seeds(tmp_path, 8, **{"trainer.device": "auto"})
    monkeypatch.setattr(at_a_time, "cores", lambda: cores)
    monkeypatch.setattr(at_a_time, "memory", lambda: gibibytes << 30)
    monkeypatch.setattr(at_a_time, "default_device", lambda: device)
    assert fitting(plan.runs) == fit


@pytest.mark.parametrize(
    ("method", "keys", "reads"),
    [("mlff", {}, True), ("joint", {}, True), ("finetune", {}, False),
     ("mlff", {"features.store": False}, False)],
)  # fmt: skip
def test_which_runs_read_stored_features(tmp_path, method, keys, reads):
    def run(**more):
        return PlannedRun((), small_config(tmp_path, method=method, keys={**keys, **more}))

    assert (features_read(run()) is not None) is reads
    assert features_read(run()) == features_read(run(seed=7))
    if reads:
        assert features_read(run()) != features_read(run(**{"data.image_size": 48}))
