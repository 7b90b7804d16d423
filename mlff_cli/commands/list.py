"""``mlff list <group>``: the choices of a group, each in a line."""

from mlff_cli.config import choices, groups
from mlff_cli.errors import UserError


def main(words: list[str]) -> int:
    """Print the groups, or the choices of the group that is named."""
    if words in ([], ["-h"], ["--help"]):
        print("usage: mlff list <group>\n\ngroups:")
        for group in groups():
            print(f"  {group:<12}{', '.join(choices(group))}")
        return 0
    if len(words) > 1:
        raise UserError(f"list takes one group, not {len(words)}: {' '.join(words)}")
    found = choices(words[0])
    width = max(map(len, found), default=0) + 2
    for name, description in found.items():
        print(f"{name:<{width}}{description}")
    return 0
