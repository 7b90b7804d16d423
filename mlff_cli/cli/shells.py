"""What each shell is told once, so that it asks ``mlff completion --complete`` at every Tab."""

BASH = """\
# Tab completion for mlff in bash: put this line into ~/.bashrc
#     eval "$(mlff completion bash)"
_mlff() {
    local IFS=$'\\n'
    COMPREPLY=($("$1" completion --complete bash "${COMP_LINE:0:$COMP_POINT}" 2>/dev/null))
}
complete -o default -o nospace -F _mlff mlff
"""

ZSH = """\
# Tab completion for mlff in zsh: put this line into ~/.zshrc, behind compinit
#     eval "$(mlff completion zsh)"
_mlff() {
    local line word
    local -a lines whole shown begun shown_begun
    lines=("${(@f)$("$words[1]" completion --complete zsh "$LBUFFER" 2>/dev/null)}")
    for line in "${lines[@]}"; do
        word=${line%%$'\\t'*}
        case $word in
        '') ;;
        *' ') whole+=("${word% }") shown+=("${line/ $'\\t'/  }") ;;
        *) begun+=("$word") shown_begun+=("${line/$'\\t'/  }") ;;
        esac
    done
    if (( ! $#whole && ! $#begun )); then
        compset -P '*='
        _files
        return
    fi
    compadd -l -d shown -a whole
    compadd -l -S '' -d shown_begun -a begun
}
compdef _mlff mlff
"""

FISH = """\
# Tab completion for mlff in fish: put this line into ~/.config/fish/config.fish
#     mlff completion fish | source
function __mlff_offers
    set -l program (commandline -opc)[1]
    set -l line (commandline -cp | string collect)
    set -l offers ($program completion --complete fish $line 2>/dev/null)
    if set -q offers[1]
        printf '%s\\n' $offers
        return
    end
    set -l typed (commandline -ct)
    set -l key (string match -r '^[^=]*=' -- $typed)
    for path in (__fish_complete_path (string replace -r '^[^=]*=' '' -- $typed))
        printf '%s\\n' "$key$path"
    end
end
complete -c mlff -f -a '(__mlff_offers)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
"""Shell -> what `mlff completion <shell>` prints."""

INSTALLED = {
    "bash": '~/.bashrc: eval "$(mlff completion bash)"',
    "zsh": '~/.zshrc, behind "autoload -U compinit; compinit": eval "$(mlff completion zsh)"',
    "fish": "~/.config/fish/config.fish: mlff completion fish | source",
}
"""Shell -> the line for its start-up file."""
