#!/usr/bin/env bash
# Make the default evaluation image where the engine does not have it.
# Its base is python:3.12-slim; where that cannot be had, a base of Debian packages is made with debootstrap and kept in .cache.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
image=airflow-synapse-challenge/evaluation:latest
local_base=airflow-synapse-challenge/debian-python:bookworm
archive=$root/.cache/images/debian-python.tar

docker image inspect "$image" >/dev/null 2>&1 && exit 0

debian_base() {
  docker image inspect "$local_base" >/dev/null 2>&1 && return 0
  if [ ! -f "$archive" ]; then
    if ! command -v debootstrap >/dev/null; then
      apt-get update -qq
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
    fi
    local tree
    tree=$(mktemp -d)
    echo "Making a base image from Debian packages."
    debootstrap --variant=minbase --include=python3 bookworm "$tree" >"$root/.cache/debootstrap.log" 2>&1 \
      || { tail -20 "$root/.cache/debootstrap.log" >&2; rm -rf "$tree"; return 1; }
    rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}/*
    mkdir -p "$(dirname "$archive")"
    tar --directory "$tree" --create --file "$archive.part" .
    mv "$archive.part" "$archive"
    rm -rf "$tree"
  fi
  docker import "$archive" "$local_base" >/dev/null
}

base=python:3.12-slim
if ! docker image inspect "$base" >/dev/null 2>&1 && ! timeout 60 docker pull --quiet "$base" >/dev/null 2>&1; then
  debian_base
  base=$local_base
fi
docker build --quiet --network none --build-arg BASE="$base" --tag "$image" "$root/docker/evaluation" >/dev/null
echo "Made the evaluation image $image from $base."
