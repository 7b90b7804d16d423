"""``mlff list <group>``: the choices of a group, what each is, and its keys."""

from mlff_cli.cli.help import described_choices
from mlff_cli.config.flags import Flags, parse
from mlff_cli.config.plug_ins import beside
from mlff_cli.config.shipped import choices, groups
from mlff_cli.errors import UserError

HELP = {"-h", "--help"}


def main(words: list[str]) -> int:
    """Print the groups, or the choices of the group that is named."""
    flags, words = (Flags(), words) if HELP & set(words) else parse(words)
    with beside(flags.folders):
        return _print(words)


def _print(words: list[str]) -> int:
    if not words or HELP & set(words):
        print("usage: mlff list <group> [--config-dir <folder>]\n\ngroups and their choices:")
        for group in groups():
            if choices(group):
                print(f"  {group:<12}{', '.join(choices(group))}")
        return 0
    if len(words) > 1:
        raise UserError(f"list takes one group, not {len(words)}: {' '.join(words)}")
    choices(words[0])
    print(described_choices(words[0]))
    return 0
