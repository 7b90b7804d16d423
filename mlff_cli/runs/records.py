"""The records of a config, listed without anything heavy: no torch, no pixel."""

from collections.abc import Mapping
from typing import Any

from mlff_cli.data.base import Dataset
from mlff_cli.errors import UserError
from mlff_cli.runs.registry import implementation
from mlff_cli.tasks.record import Record


def list_records(config: Mapping[str, Any]) -> tuple[list[Record], Dataset]:
    """Return every record of the config's dataset, and the dataset.

    Raises:
        UserError: Files are missing or wrong, or there is no image.
    """
    dataset = implementation("data", config["data"], Dataset)()
    records = dataset.records()
    if not records:
        raise UserError(f"dataset={config['data']['name']}: there is no image")
    return records, dataset
