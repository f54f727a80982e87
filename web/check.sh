#!/usr/bin/env bash
# Builds the page into a folder beside dist and fails when the two differ:
# what is committed is what the sources make.
set -euo pipefail
cd "$(dirname "$0")"
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
npx --no-install tsc --noEmit
npx --no-install vite build --logLevel warn --outDir "$fresh/dist" --emptyOutDir
diff -r dist "$fresh/dist" >/dev/null || { echo "web/dist is not what its sources make: run make web and commit it"; diff -rq dist "$fresh/dist" || true; exit 1; }
echo "web/dist is its sources', $(find dist -type f -printf '%s\n' | awk '{n += $1} END {print n}') bytes"
