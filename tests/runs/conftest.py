"""A small config on a tiny network, which tests of runs share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from configs_for_tests import small_config, tiny_backbone


@pytest.fixture
def config(tmp_path: Path, weights_of: Any) -> Callable[..., dict[str, Any]]:
    """Make a config of choices and keys, as `small_config` takes them."""

    def make(**choices: Any) -> dict[str, Any]:
        keys = tiny_backbone(weights_of) | choices.pop("keys", {})
        return small_config(tmp_path, backbone="timm", keys=keys, **choices)

    return make
