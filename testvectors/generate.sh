#!/usr/bin/env bash
# generate.sh makes every vector anew, from independent implementations alone.
# Needs Node 20 and Go. The same files come out every time.
set -euo pipefail
cd "$(dirname "$0")"
here=$PWD
cd generate
npm ci --no-audit --no-fund --loglevel=error
rm -rf ../canonicalization ../numbers ../keys ../signatures ../events ../batch ../refusals ../merkle ../proofs ../anchor
for f in canonicalization es6numbers keys signatures sequence events refusals anchor contract; do node "$f.mjs"; done
cd go && go run . "$here"
