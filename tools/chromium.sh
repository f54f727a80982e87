#!/usr/bin/env bash
# Makes sure that Chromium is there, installing Debian's where it is missing
# and this may be done.
set -euo pipefail
chromium=${CHROMIUM:-/usr/bin/chromium}
[ ! -x "$chromium" ] || exit 0
[ -n "${CHROMIUM:-}" ] || "$(dirname "$0")/debian.sh" "the browser tests" chromium
[ -x "$chromium" ] || { echo "the browser tests: $chromium is missing; install Chromium and name it in CHROMIUM" >&2; exit 1; }
