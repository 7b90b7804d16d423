"""``mlff completion <shell>``: what makes the Tab key complete everything that may be typed."""

import re
import shlex
from pathlib import PurePath

from mlff_cli.cli.offers import Offer, offers
from mlff_cli.cli.shells import INSTALLED, SCRIPTS
from mlff_cli.config.flags import folders_in
from mlff_cli.config.plug_ins import beside
from mlff_cli.errors import UserError, nearest

SEPARATORS = ";&|"
"""What ends a command on a line."""

SPECIAL = re.compile(r"([^\w./=:,@%+~\[\]-])")
"""What bash reads as something else unless a backslash stands before it."""


def main(words: list[str]) -> int:
    """Print the function for the shell, or what may follow a line that is being typed."""
    if words[:1] == ["--complete"] and len(words) in (2, 3):
        # With the line alone it is bash that asks, told by an earlier version of this program.
        for candidate in candidates(words[-1], shell=words[1] if words[2:] else "bash"):
            print(candidate)
        return 0
    if words in ([], ["-h"], ["--help"]):
        lines = (f"  {line}" for line in INSTALLED.values())
        print("\n".join([f"usage: mlff completion {'|'.join(SCRIPTS)}", "", *lines]))
        return 0
    if len(words) != 1 or words[0] not in SCRIPTS:
        typed = " ".join(words)
        raise UserError(f"completion is for one shell, not '{typed}'; {nearest(typed, SCRIPTS)}")
    print(SCRIPTS[words[0]], end="")
    return 0


def candidates(line: str, shell: str = "bash") -> list[str]:
    """Return what may stand in place of the line's last word, as a shell takes it.

    bash begins a new word behind "=" and ":", so it is given only what stands behind; what is
    whole ends in a space. The others are given the whole word and, behind a tab, what it is; fish
    decides itself where a space follows.
    """
    words = words_of(line)
    with beside(folders_in(words)):
        found = offers(words)
    if shell == "bash":
        begins = max(words[-1].rfind("="), words[-1].rfind(":")) + 1
        return [_with_space(SPECIAL.sub(r"\\\1", o.text[begins:]), o) for o in found]
    return [f"{o.text if shell == 'fish' else _with_space(o.text, o)}\t{o.about}" for o in found]


def words_of(line: str) -> list[str]:
    """Return the words of the last command on a line behind its name, the one being typed last."""
    words = _split(line)
    named = [place for place, word in enumerate(words) if _is_program(word)]
    begun = bool(line) and not line[-1].isspace()
    behind = words[named[0] + 1 if named else 1 :]
    return behind if begun and behind else [*behind, ""]


def _split(line: str) -> list[str]:
    """Return the words of the last command on a line; an open quote is closed."""
    for closed in (line, f"{line}'", f'{line}"', line[:-1]):
        lexer = shlex.shlex(closed, posix=True, punctuation_chars=SEPARATORS)
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            continue
        ends = [place for place, word in enumerate(words) if not word.strip(SEPARATORS) and word]
        return words[ends[-1] + 1 :] if ends else words
    return line.split()


def _is_program(word: str) -> bool:
    return "=" not in word and PurePath(word).name == "mlff"


def _with_space(text: str, offer: Offer) -> str:
    return f"{text} " if offer.whole else text
