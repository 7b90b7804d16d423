"""What is learned of a backbone when it is built, kept so that it need not be built again."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from mlff_cli.backbones.levels import LevelInfo
from mlff_cli.backbones.recipe import BackboneRecipe
from mlff_cli.features.store.files import write_whole


@dataclass(frozen=True)
class BackboneFacts:
    """Levels and size of a network."""

    levels: tuple[LevelInfo, ...]
    parameters: int


def known_facts(recipe: BackboneRecipe, folder: Path | None) -> BackboneFacts | None:
    """Return what ``<folder>/backbones`` keeps; None where it is not there or damaged."""
    if folder is None:
        return None
    try:
        content = json.loads(_file(recipe, folder).read_text(encoding="utf-8"))
        levels = tuple(LevelInfo(**level) for level in content["levels"])
        return BackboneFacts(levels, int(content["parameters"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def keep_facts(facts: BackboneFacts, recipe: BackboneRecipe, folder: Path | None) -> None:
    """Write the facts under ``<folder>/backbones``, in one piece."""
    if folder is None:
        return
    content = {"description": recipe.description, **asdict(facts)}
    write_whole(_file(recipe, folder), [json.dumps(content, indent=1).encode()])


def _file(recipe: BackboneRecipe, folder: Path) -> Path:
    return folder / "backbones" / f"{recipe.fingerprint}.json"
