#!/usr/bin/env bash
# Make the virtual environments of the clients that tests/clients runs against the local Synapse: scripts/clients.sh [NAME ...]
# One for each requirements/clients-NAME.txt, below .cache/clients: what they need does not fit together with Airflow's.
set -euo pipefail
cd "$(dirname "$0")/.."

names=("$@")
if [ ${#names[@]} = 0 ]; then
  for requirements in requirements/clients-*.txt; do
    names+=("$(basename "${requirements#requirements/clients-}" .txt)")
  done
fi
mkdir -p .cache/clients
for name in "${names[@]}"; do
  scripts/install.sh ".cache/clients/$name" "requirements/clients-$name.txt"
done
