#!/usr/bin/env bash
# Compile the requirement files: every version pinned, every file hashed, no host named.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=.cache/uv/bin/uv
options=(--quiet --generate-hashes --universal --python-version 3.11 --no-emit-index-url --no-header --no-annotate)
echo 'uv' | "$uv" pip compile - "${options[@]}" -o requirements/uv.txt
"$uv" pip compile pyproject.toml --extra local-synapse --extra kubernetes --group dev "${options[@]}" -o requirements/dev.txt
for wish in requirements/*.in; do
  "$uv" pip compile "$wish" "${options[@]}" -o "${wish%.in}.txt"
done
