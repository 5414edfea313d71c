#!/usr/bin/env bash
# A Docker engine for demos, tests and benchmarks: scripts/docker-engine.sh start|stop|host|status|install
# An engine that answers already is used and never stopped. Otherwise a private one is started with its data under
# .cache/docker; as root on Debian it is installed first,
# which "install" does alone.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
state=$root/.cache/docker

answers() { DOCKER_HOST=$1 docker version >/dev/null 2>&1; }

host() {  # prints the address of an engine that answers
  local candidate
  for candidate in "${DOCKER_HOST:-}" "$(cat "$state/host" 2>/dev/null || true)" unix:///var/run/docker.sock; do
    if [ -n "$candidate" ] && command -v docker >/dev/null && answers "$candidate"; then
      echo "$candidate"
      return 0
    fi
  done
  return 1
}

install_engine() {
  command -v dockerd >/dev/null && command -v iptables >/dev/null && return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "There is no dockerd here. Have a Docker engine answer, at DOCKER_HOST, or run this as root on Debian." >&2
    return 1
  fi
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker.io iptables >/dev/null
}

start() {
  if host >/dev/null; then
    echo "A Docker engine answers at $(host)."
    return 0
  fi
  install_engine
  mkdir -p "$state"
  # Addresses of unix sockets are limited to 107 bytes, so the socket lives in a short folder.
  local sockets
  sockets=$(mktemp -d /tmp/docker-XXXXXX)
  echo "unix://$sockets/docker.sock" >"$state/host"
  setsid dockerd --data-root "$state/data" --exec-root "$sockets/exec" --host "unix://$sockets/docker.sock" \
    --pidfile "$state/docker.pid" --bridge none --iptables=false >"$state/dockerd.log" 2>&1 </dev/null &
  for _ in $(seq 100); do
    if answers "$(cat "$state/host")"; then
      echo "Started a private Docker engine at $(cat "$state/host")."
      return 0
    fi
    sleep 0.2
  done
  echo "The Docker engine did not start; the end of its log:" >&2
  tail -20 "$state/dockerd.log" >&2
  stop || true
  return 1
}

stop() {  # ends only the engine that start() began
  [ -f "$state/docker.pid" ] || return 0
  local pid
  pid=$(cat "$state/docker.pid")
  kill "$pid" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.2
  done
  local sockets
  sockets=$(dirname "$(sed 's|^unix://||' "$state/host")")
  # The engine leaves the name of its network namespace mounted.
  umount --quiet "$sockets"/exec/netns/* 2>/dev/null || true
  rm -rf "$sockets" "$state/host" "$state/docker.pid"
}

case "${1:-}" in
  start) start ;;
  stop) stop ;;
  host) host ;;
  install) install_engine ;;
  status) host || { echo "No Docker engine answers." >&2; exit 1; } ;;
  *) echo "usage: $0 start|stop|host|status|install" >&2; exit 2 ;;
esac
