#!/usr/bin/env bash
# The Docker registry that a local Synapse starts with --docker-registry: scripts/docker-registry.sh prints its program.
# As root on Debian it is installed first. It is started by the local Synapse only, never as a service.
set -euo pipefail

command -v docker-registry && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "There is no docker-registry. Install Debian's package docker-registry, or run this as root on Debian." >&2
  exit 1
fi
# Debian starts a package's service where it is installed, unless this says no.
policy=/usr/sbin/policy-rc.d
made=
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  made=yes
fi
trap '[ -z "$made" ] || rm -f "$policy"' EXIT
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends docker-registry >/dev/null
command -v docker-registry
