"""``mlff completion bash``: what makes the Tab key complete commands, groups, choices and keys."""

from collections.abc import Iterable

from mlff_cli.cli.table import COMMANDS, meant
from mlff_cli.cli.words import actions_of
from mlff_cli.config.keys import keys_of, values_of
from mlff_cli.config.shipped import choices, groups
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
    *typed, last = words
    if typed[0] == "list":
        return _beginning(last, (f"{group} " for group in groups()))
    if typed[0] not in COMMANDS:
        return []
    _, command, before = meant(typed)
    config = command.config
    if config is None:
        return []
    key, equals, value = last.partition("=")
    if not equals:
        first = [*actions_of(command), *command.actions] if not before else []
        offered = [f"{word} " for word in first] + [f"{k}=" for k in keys_of(config, before)]
        return _beginning(last, offered)
    # Of a list, or of several values, the last one is being typed.
    start = max(value.rfind(","), value.rfind("[")) + 1
    found = _beginning(value[start:], _values(config, key, before))
    return [value[:start] + name for name in found]


def _values(config: str, key: str, before: list[str]) -> list[str]:
    if key in groups():
        return [f"{name} " for name in choices(key)]
    if values := values_of(config, before).get(key):
        return [word if values.several else f"{word} " for word in values.written]
    return ["true ", "false "] if isinstance(keys_of(config, before).get(key), bool) else []


def _beginning(start: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(start)]
