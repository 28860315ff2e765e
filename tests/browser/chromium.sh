#!/usr/bin/env bash
# Prints the path of a Chromium; with --install, of Debian's where there is none and it can be had.
# Exit 77 with one line: there is none.
set -euo pipefail

NAMES=(chromium chromium-browser google-chrome)
absent() { echo "no browser: $1" >&2; exit 77; }
find_one() { for name in "${NAMES[@]}"; do type -P "$name" && return; done; false; }

[ -z "${CHROMIUM:-}" ] || { echo "$CHROMIUM"; exit; }
find_one && exit
[ "${1:-}" = --install ] || absent "none of ${NAMES[*]} is on the path (or in \$CHROMIUM)"
[ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || absent "root and apt-get are needed to install chromium"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq >/dev/null 2>&1 || true
apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 || absent "chromium cannot be installed"
find_one || absent "Debian's chromium brought none of ${NAMES[*]}"
