#!/bin/sh
# Starts a JupyterHub for a try on this machine: sh deploy/hub/try.sh. Needs Linux with bubblewrap, and Node.js for the proxy.
set -eu
cd "$(dirname "$0")/../.."

missing() {
    printf 'deploy/hub/try.sh: %s\n' "$*" >&2
    exit 1
}

command -v bwrap >/dev/null || missing "bubblewrap is not installed, and learners are kept apart with it: apt install bubblewrap"
command -v npm >/dev/null || missing "npm is not installed, and the hub's proxy comes from it: apt install nodejs npm"
[ -x .venv/bin/python ] || make install
.venv/bin/python -c 'import jupyterhub, jupyterhub_idle_culler' 2>/dev/null ||
    .venv/bin/python -m pip install --quiet --editable '.[hub]'
[ -x deploy/hub/node_modules/.bin/configurable-http-proxy ] || npm ci --prefix deploy/hub --no-audit --no-fund
exec .venv/bin/python -m jupyterhub --config deploy/hub/jupyterhub_config.py "$@"
