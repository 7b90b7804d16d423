"""``mlff list <group>``: the choices of a group, what each is, and its keys."""

from mlff_cli.cli.help import described_choices
from mlff_cli.config.shipped import choices, groups
from mlff_cli.errors import UserError


def main(words: list[str]) -> int:
    """Print the groups, or the choices of the group that is named."""
    if words in ([], ["-h"], ["--help"]):
        print("usage: mlff list <group>\n\ngroups and their choices:")
        for group in groups():
            if choices(group):
                print(f"  {group:<12}{', '.join(choices(group))}")
        return 0
    if len(words) > 1:
        raise UserError(f"list takes one group, not {len(words)}: {' '.join(words)}")
    choices(words[0])
    print(described_choices(words[0]))
    return 0
