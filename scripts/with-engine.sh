#!/usr/bin/env bash
# Run a command with a Docker engine, the default evaluation image and the program of a Docker registry:
# scripts/with-engine.sh [--optional] [--models] COMMAND [ARG ...]
# An engine that this script started is stopped afterwards. With --optional the command also runs without an engine,
# and nothing is done about the registry. With --models there is also the image that models' Dockerfiles build on, and
# the registry's program wherever there is an engine.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
optional=
models=
while :; do
  case ${1:-} in
    --optional) optional=yes ;;
    --models) models=yes ;;
    *) break ;;
  esac
  shift
done

started=
stand_in=
if ! host=$("$root/scripts/docker-engine.sh" host); then
  if "$root/scripts/docker-engine.sh" start; then
    started=yes
    host=$("$root/scripts/docker-engine.sh" host)
  elif [ -z "$optional" ]; then
    echo "No Docker engine could be started; it is needed here." >&2
    exit 1
  fi
fi
stop() {
  [ -z "$stand_in" ] || docker image rm "$stand_in" >/dev/null 2>&1 || true
  [ -z "$started" ] || "$root/scripts/docker-engine.sh" stop
}
trap stop EXIT

if [ -z "$optional" ] || { [ -n "$models" ] && [ -n "${host:-}" ]; }; then
  "$root/scripts/docker-registry.sh" >/dev/null
fi
if [ -n "${host:-}" ]; then
  export DOCKER_HOST=$host
  "$root/scripts/evaluation-image.sh"
  if [ -n "$models" ]; then
    base=$("$root/scripts/python-image.sh")
    wanted=python:3.12-slim
    if [ "$base" != "$wanted" ]; then
      docker tag "$base" "$wanted"
      stand_in=$wanted
    fi
  fi
fi
"$@"
