#!/bin/sh
# Sets everything up in .venv/, at once when nothing has changed; what is missing is said in one sentence.
# Usage, from the root of the workbook: sh tools/install.sh [PYTHON]
set -eu

floor=$(sed -n 's/^requires-python = ">=\(3\.[0-9]*\)".*/\1/p' pyproject.toml)
stamp=.venv/.installed
log=.venv/install.log
lock=.venv.lock
here=$(pwd -P)
dots=

fail() {
    [ -z "$dots" ] || echo
    printf 'make install: %s\n' "$*" >&2
    exit 1
}

version_of() {
    "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null
}

new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < tuple(map(int, '$floor'.split('.'))))" 2>/dev/null
}

# The cause in the words of the system, where pip buries it in a page of retries; else the last line.
reason() {
    causes='temporary failure in name resolution|name or service not known|dns error|connection refused|timed out'
    causes="$causes|network is unreachable|no route to host|certificate verify failed|no space left on device"
    causes="$causes|permission denied|read-only file system"
    printf '%s\n' "$said" | grep -oiE "$causes" | tail -n 1 | grep . ||
        printf '%s\n' "$said" | grep . | tail -n 1 | cut -c 1-300
}

# What to do about that cause.
remedy() {
    case $1 in
        *[Ss]pace*) echo "make room on the disk (the workbook takes about 1 GB)" ;;
        *[Pp]ermission* | *[Rr]ead-only*) echo "give this account the right to write there, or copy the workbook" ;;
        *) echo "the first set-up needs a network connection to PyPI or to the mirror in pip's settings: connect" ;;
    esac
}

cannot_write() {
    fail "cannot write in $here, where .venv/ is to be: make room on the disk, or give this account the right to" \
        "write there, or copy the workbook elsewhere; then run make install again"
}

# One set-up at a time: a second one would clear away what the first has just installed.
take_turn() {
    waited=
    failed=0
    until (set -C && echo $$ >"$lock") 2>/dev/null; do
        if [ ! -s "$lock" ]; then
            failed=$((failed + 1))
            [ $failed -lt 3 ] || { rm -f "$lock" && cannot_write; }
            sleep 1
        elif kill -0 "$(cat "$lock")" 2>/dev/null; then
            [ "$waited" ] || printf 'Another set-up (process %s) is at work in this folder; waiting for it.\n' \
                "$(cat "$lock")"
            waited=yes
            sleep 1
        else
            rm -f "$lock"
        fi
    done
    trap 'rm -f "$lock"' EXIT
    trap 'fail "broken off: run the same command again; nothing has to be cleaned up"' INT TERM HUP
}

# On a terminal a dot every three seconds, until this script ends, however it ends.
show_life() {
    [ -t 1 ] || return 0
    dots=yes
    while sleep 3 && [ "$(cat "$lock" 2>/dev/null)" = $$ ] && kill -0 $$ 2>/dev/null; do printf .; done &
}

# The stamp names the folder: a clone that was moved or copied brings an environment that points at the old one.
complete() {
    [ "$(cat "$stamp" 2>/dev/null)" = "$here" ] && new_enough .venv/bin/python
}

find_python() {
    found=
    if [ -n "${1-}" ]; then
        case $1 in
            "~/"*) set -- "$HOME/${1#"~/"}" ;;
        esac
    else
        set -- python3 python3.12 python3.13 python3.14 python
    fi
    for python in "$@"; do
        version=$(version_of "$python") || continue
        new_enough "$python" && return
        found=${found:-"Python $version ($(command -v "$python"))"}
    done
    fail "found ${found:-no Python that runs as $1}, and the workbook needs Python $floor or later:" \
        "install one, or name one that is there, for example make install PYTHON=/usr/bin/python$floor"
}

make_environment() {
    find_python "$@"
    "$python" -c 'import ensurepip, venv' 2>/dev/null || fail "Python $version ($(command -v "$python")) came" \
        "without its venv module, which the workbook needs: install it (on Debian and Ubuntu:" \
        "apt install python${version%.*}-venv) and run make install again"
    printf 'Setting up the workbook in .venv/ with Python %s; about a minute, once, and longer on a slow network.\n' \
        "$version"
    said=$("$python" -m venv --clear .venv 2>&1) || {
        cause=$(reason)
        fail "could not create $here/.venv with Python $version ($cause): $(remedy "$cause") and run make install again"
    }
}

# uv knows nothing of the mirrors and certificates in pip's own settings, so pip has the last try.
install_packages() {
    said=$(.venv/bin/python -m pip install --quiet --retries 2 uv 2>&1) || return
    said=$(.venv/bin/python -m uv pip install --quiet --python .venv/bin/python --compile-bytecode -e '.[lab,test]' \
        2>&1) || said=$(.venv/bin/python -m pip install --quiet --retries 2 -e '.[lab,test]' 2>&1)
}

usable() {
    complete && { [ -z "${1-}" ] || [ "$version" = "$(version_of .venv/bin/python)" ]; }
}

up_to_date() {
    usable "$@" && [ "$stamp" -nt pyproject.toml ]
}

[ -z "${1-}" ] || find_python "$1"
up_to_date "$@" && exit
take_turn
up_to_date "$@" && exit
show_life
if usable "$@"; then
    echo "Bringing the packages in .venv/ up to date."
else
    make_environment "$@"
fi
install_packages || {
    cause=$(reason)
    printf '%s\n' "$said" >"$log" 2>/dev/null || true
    fail "the packages could not be installed ($cause): $(remedy "$cause") and run make install again" \
        "(all that was said: $log)"
}
printf '%s\n' "$here" >"$stamp"
[ -z "$dots" ] || echo
