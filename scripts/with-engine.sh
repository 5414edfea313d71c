#!/usr/bin/env bash
# Run a command with a Docker engine, the default evaluation image and the program of a Docker registry:
# scripts/with-engine.sh [--optional] COMMAND [ARG ...]
# An engine that this script started is stopped afterwards. With --optional the command also runs without an engine,
# and nothing is done about the registry.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
optional=
if [ "$1" = --optional ]; then optional=yes; shift; fi

started=
if ! host=$("$root/scripts/docker-engine.sh" host); then
  if "$root/scripts/docker-engine.sh" start; then
    started=yes
    host=$("$root/scripts/docker-engine.sh" host)
  elif [ -z "$optional" ]; then
    echo "No Docker engine could be started; it is needed here." >&2
    exit 1
  fi
fi
stop() { [ -z "$started" ] || "$root/scripts/docker-engine.sh" stop; }
trap stop EXIT

[ -n "$optional" ] || "$root/scripts/docker-registry.sh" >/dev/null
if [ -n "${host:-}" ]; then
  export DOCKER_HOST=$host
  "$root/scripts/evaluation-image.sh"
fi
"$@"
