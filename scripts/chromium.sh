#!/usr/bin/env bash
# The browser in which the local Synapse's pages are tested: scripts/chromium.sh prints its program.
# As root on Debian it is installed first; elsewhere set CHROMIUM to one.
set -euo pipefail

for candidate in "${CHROMIUM:-}" chromium chromium-browser google-chrome; do
  [ -n "$candidate" ] && command -v "$candidate" && exit 0
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "There is no Chromium. Install Debian's package chromium, or set CHROMIUM, or run this as root on Debian." >&2
  exit 1
fi
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null
command -v chromium
