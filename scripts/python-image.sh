#!/usr/bin/env bash
# Have a Python image on the engine and print its name: python:3.12-slim; where that cannot be had, a base that is made of
# Debian packages with debootstrap and kept in .cache.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
wanted=python:3.12-slim
made=airflow-synapse-challenge/debian-python:bookworm
archive=$root/.cache/images/debian-python.tar

make_archive() {
  if ! command -v debootstrap >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends debootstrap >/dev/null
  fi
  local tree
  tree=$(mktemp -d)
  echo "Making a base image from Debian packages." >&2
  mkdir -p "$root/.cache"
  debootstrap --variant=minbase --include=python3 bookworm "$tree" >"$root/.cache/debootstrap.log" 2>&1 \
    || { tail -20 "$root/.cache/debootstrap.log" >&2; rm -rf "$tree"; return 1; }
  rm -rf "$tree"/var/cache/apt/* "$tree"/var/lib/apt/lists/* "$tree"/usr/share/{doc,man,locale}/*
  mkdir -p "$(dirname "$archive")"
  tar --directory "$tree" --create --file "$archive.part" .
  mv "$archive.part" "$archive"
  rm -rf "$tree"
}

if docker image inspect "$wanted" >/dev/null 2>&1 || timeout 60 docker pull --quiet "$wanted" >/dev/null 2>&1; then
  echo "$wanted"
  exit 0
fi
if ! docker image inspect "$made" >/dev/null 2>&1; then
  [ -f "$archive" ] || make_archive
  docker import "$archive" "$made" >/dev/null
fi
echo "$made"
