"""``mlff completion bash``: what makes the Tab key complete commands, groups, choices and keys."""

from collections.abc import Iterable

from mlff_cli.cli.help import ALIASES
from mlff_cli.cli.main import COMMANDS, PLAIN
from mlff_cli.config.schema import UNNAMED, WORDS, flatten
from mlff_cli.config.shipped import SECTIONS, choices, default_choices, groups, shipped
from mlff_cli.errors import UserError

SCRIPT = """\
# Tab completion for mlff in bash: put this line into ~/.bashrc
#     eval "$(mlff completion bash)"
# and, in zsh, into ~/.zshrc, behind: autoload -U +X compinit bashcompinit; compinit; bashcompinit
_mlff() {
    local IFS=$'\\n'
    COMPREPLY=($("$1" completion --complete "${COMP_LINE:0:$COMP_POINT}" 2>/dev/null))
}
complete -o default -o nospace -F _mlff mlff
"""


def main(words: list[str]) -> int:
    """Print the function for the shell, or what may follow a line that is being typed."""
    if len(words) == 2 and words[0] == "--complete":
        print("\n".join(candidates(words[1])))
        return 0
    if words in ([], ["-h"], ["--help"]):
        print('usage: mlff completion bash\n\nIn ~/.bashrc: eval "$(mlff completion bash)"')
        return 0
    if words != ["bash"]:
        raise UserError(f"completion is for bash, not '{' '.join(words)}'; zsh can read bash's")
    print(SCRIPT, end="")
    return 0


def candidates(line: str) -> list[str]:
    """Return what may stand in place of the line's last word.

    bash begins a new word behind "=", so of ``key=value`` only the value is returned. What is
    whole ends in a space.
    """
    _, *words = line.split() if line[-1:].isspace() is False else [*line.split(), ""]
    if len(words) < 2:
        return _beginning((words or [""])[0], (f"{name} " for name in COMMANDS))
    command, *before, last = words
    if command == "list":
        return _beginning(last, (f"{group} " for group in groups()))
    if command in PLAIN or command not in COMMANDS:
        return []
    key, equals, value = last.partition("=")
    if not equals:
        return _beginning(last, [f"{name}=" for name in _keys(command, before)])
    earlier, comma, current = value.rpartition(",")
    return [earlier + comma + name for name in _beginning(current, _values(command, key, before))]


def _keys(command: str, before: list[str]) -> dict[str, object]:
    """Return groups and keys of a command's config, with the defaults of the keys."""
    config = ALIASES.get(command, command)
    made = default_choices(config) | dict(
        word.split("=", 1) for word in before if word.split("=", 1)[0] in default_choices(config)
        and "=" in word
    )  # fmt: skip
    keys: dict[str, object] = dict.fromkeys(made) | dict(flatten(shipped(config)))
    for section, group in SECTIONS.items():
        choice = UNNAMED.get(section) or (made.get(group) or "").split(",")[0]
        if group in made and choice in choices(group):
            keys |= dict(flatten(shipped(f"{group}/{choice}"), f"{section}."))
            keys.pop(f"{section}.name", None)
    return keys


def _values(command: str, key: str, before: list[str]) -> list[str]:
    if key in groups():
        return [f"{name} " for name in choices(key)]
    if key in WORDS:
        return [f"{word} " for word in WORDS[key]]
    return ["true ", "false "] if isinstance(_keys(command, before).get(key), bool) else []


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
