#!/usr/bin/env bash
# Make a virtual environment from the pinned, hashed requirements: scripts/install.sh VENV [REQUIREMENTS]
# Needs python3 only; Debian's python3 without its venv module gets it from apt when we are root.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
requirements=${2:-requirements/dev.txt}
tools=.cache/uv

python=${PYTHON_FOR_VENV:-python3}
"$python" - <<'PY' || { echo "Python 3.11 or later is needed; set PYTHON_FOR_VENV to one." >&2; exit 1; }
import sys
sys.exit(sys.version_info < (3, 11))
PY

if [ ! -x "$tools/bin/uv" ]; then
  if ! "$python" -c 'import ensurepip' 2>/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "Install Debian's package python3-venv, then try again." >&2; exit 1; }
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3-venv >/dev/null
  fi
  "$python" -m venv --clear "$tools"
  "$tools/bin/pip" install --quiet --require-hashes -r requirements/uv.txt
fi

[ -x "$venv/bin/python" ] || "$tools/bin/uv" venv --quiet --python "$python" "$venv"
# Compiled here once: otherwise, where Python may not write bytecode, every task compiles what it imports.
"$tools/bin/uv" pip sync --quiet --compile-bytecode --python "$venv/bin/python" --require-hashes "$requirements"
if [ "$requirements" = requirements/dev.txt ]; then
  "$tools/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --editable .
fi
