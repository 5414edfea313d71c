#!/usr/bin/env bash
# Fetch Synapse's OpenAPI document, which the contract tests compare the local Synapse with: scripts/contract.sh
# It is a file of an npm package and no part of this repository. Debian's npm is installed when it is missing and we are root.
set -euo pipefail
cd "$(dirname "$0")/.."
package=@sage-bionetworks/synapse-client@0.0.13
sha512=839c639107d2356b3617d811c93ce21a0d318c266507d6b1909306f27081228a2469a7211b229920ea2a3e61c682923e1fb0e72434950fd0e68b713c62086021
inside=package/src/spec/openapispecification.json
document=.cache/contract/openapispecification.json

if ! command -v npm >/dev/null; then
  [ "$(id -u)" = 0 ] || { echo "Install Debian's package npm, then try again." >&2; exit 1; }
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm >/dev/null
fi
mkdir -p "$(dirname "$document")"
work=$(mktemp -d "$(dirname "$document")/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
npm pack --silent --cache "$work/npm" --pack-destination "$work" "$package" >/dev/null
tarball=("$work"/*.tgz)
echo "$sha512  ${tarball[0]}" | sha512sum --check --quiet || {
  echo "The package $package is not the one that is expected." >&2
  exit 1
}
tar -xzOf "${tarball[0]}" "$inside" >"$work/document"
mv "$work/document" "$document"
