"""``mlff train``: one task, one method, one seed, to the end."""

import logging
from collections.abc import Mapping
from typing import Any

from mlff_cli.results.painter import Painter
from mlff_cli.runs.folder import RunFolder
from mlff_cli.runs.identity import run_path
from mlff_cli.runs.listing import Listing, is_current, listing_of
from mlff_cli.runs.report import show_run
from mlff_cli.system.environment import made_by_another
from mlff_cli.system.logs import logging_to

log = logging.getLogger(__name__)


def run(config: Mapping[str, Any]) -> int:
    """Train, resume, or say what is finished; return the exit code."""
    with Painter() as painter:
        show_run(train(config, painter))
    return 0


def train(config: Mapping[str, Any], painter: Painter, listed: Listing | None = None) -> RunFolder:
    """Bring the run of this config and these images to its end and return its folder.

    A finished run is left as it is, to the byte, and found without torch.

    Args:
        config: Of the run.
        painter: Draws its pictures.
        listed: Its images as they were a while ago; listed again where one has changed.
    """
    with logging_to(None):
        listing = listed if listed and is_current(listed, config) else listing_of(config)
        folder = RunFolder(run_path(config, listing.digest))
        if folder.finished:
            log.info("finished before, not repeated: %s", folder.path)
            for note in made_by_another(folder.environment()):
                log.info("note: %s", note)
            return folder
    painter.warm_up()
    from mlff_cli.runs.execution import execute

    execute(config, listing, folder, painter)
    return folder
