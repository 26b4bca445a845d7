#!/bin/sh
# Sets everything up in .venv/, at once when nothing has changed; what is missing is said in one sentence.
# Usage, from the root of the workbook: sh tools/install.sh [PYTHON]
set -eu

floor=$(sed -n 's/^requires-python = ">=\(3\.[0-9]*\)".*/\1/p' pyproject.toml)
stamp=.venv/.installed
log=.venv/install.log

fail() {
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
    causes='temporary failure in name resolution|name or service not known|dns error|connection refused|network is unreachable'
    causes="$causes|no route to host|timed out|certificate verify failed|no space left on device|permission denied"
    grep -oiE "$causes" "$log" | tail -n 1 | grep . || grep . "$log" | tail -n 1 | cut -c 1-300
}

# The stamp names the folder: a clone that was moved or copied brings an environment that points at the old one.
complete() {
    [ "$(cat "$stamp" 2>/dev/null)" = "$PWD" ] && new_enough .venv/bin/python
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
    printf 'Setting up the workbook in .venv/ with Python %s; about half a minute, once.\n' "$version"
    "$python" -m venv --clear .venv || fail "could not create $PWD/.venv with Python $version (its reason is" \
        "above); make room or give this account the right to write there, and run make install again"
}

install_packages() {
    .venv/bin/python -m pip install --quiet --retries 2 uv >"$log" 2>&1 || return
    .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --compile-bytecode -e '.[lab,test]' \
        >"$log" 2>&1 && return
    # uv knows nothing of the mirrors and certificates in pip's own settings, so pip has the last try.
    .venv/bin/python -m pip install --quiet --retries 2 -e '.[lab,test]' >"$log" 2>&1
}

[ -z "${1-}" ] || find_python "$1"
if complete && { [ -z "${1-}" ] || [ "$version" = "$(version_of .venv/bin/python)" ]; }; then
    [ "$stamp" -nt pyproject.toml ] && exit
else
    make_environment "$@"
fi
install_packages || fail "the packages could not be installed ($(reason)); the first set-up needs a network" \
    "connection to PyPI or to the mirror in pip's settings: connect and run make install again" \
    "(all that was said: $log)"
printf '%s\n' "$PWD" >"$stamp"
