#!/usr/bin/env bash
# Make the default evaluation image where the engine does not have it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
image=airflow-synapse-challenge/evaluation:latest

docker image inspect "$image" >/dev/null 2>&1 && exit 0
base=$("$root/scripts/python-image.sh")
docker build --quiet --network none --build-arg BASE="$base" --tag "$image" "$root/docker/evaluation" >/dev/null
echo "Made the evaluation image $image from $base."
