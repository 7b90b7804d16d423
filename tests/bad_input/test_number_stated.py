"""As many bad inputs are tried as docs/runs.md says."""

import re
from pathlib import Path

import pytest
from refusals import TRIED
from test_bad_configs import CONFIGS
from test_bad_images import BAD_IMAGES
from test_bad_manifests import FOLDERS, MANIFESTS
from test_bad_runs import RUNS, WEIGHTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runs.md"
LISTED = 100
"""As many stand in the tables of these modules, or more."""


def test_as_many_bad_inputs_as_stated(capsys):
    """Counts what the modules before this one have tried."""
    listed = sum(map(len, (BAD_IMAGES, MANIFESTS, FOLDERS, CONFIGS, WEIGHTS, RUNS)))
    assert listed >= LISTED
    (stated,) = re.findall(r"tries more than (\d+) bad", PAGE.read_text(encoding="utf-8"))
    if len(TRIED) < listed:
        pytest.skip("only some of the bad inputs were tried")
    with capsys.disabled():
        print(f"\nbad inputs tried: {len(TRIED)}")
    assert len(TRIED) > int(stated)
