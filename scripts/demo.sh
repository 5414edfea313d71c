#!/usr/bin/env bash
# Run a whole challenge on this machine: scripts/demo.sh [--challenge data-to-model|model-to-data] [ARG ...]
# Participants submit files (data-to-model, the default) or Docker images. What else is given goes to the rehearsal: see
# scripts/demo.sh --help.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
challenge=data-to-model
arguments=()
while [ $# -gt 0 ]; do
  case $1 in
    --challenge) challenge=${2:-}; shift ;;
    --challenge=*) challenge=${1#*=} ;;
    *) arguments+=("$1") ;;
  esac
  shift || true
done
case $challenge in
  data-to-model) example=breast-cancer options=() ;;
  model-to-data) example=ehr-mortality options=(--models) ;;
  *) echo "There is no challenge '$challenge' to show; choose data-to-model or model-to-data." >&2; exit 2 ;;
esac
"$root/scripts/with-engine.sh" --optional "${options[@]}" \
  "$root/.venv/bin/python" -m airflow_synapse_challenge.rehearsal "$root/examples/$example" "${arguments[@]}"
