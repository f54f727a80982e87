#!/usr/bin/env bash
# Fails when the committed contract is not what its source compiles to.
set -euo pipefail
cd "$(dirname "$0")"
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
./build.sh "$built/anchor.wasm"
cmp "$built/anchor.wasm" anchor.wasm || { echo "host/anchor/contract/anchor.wasm is not its source's: run make contract and commit it" >&2; exit 1; }
sha256sum --check --quiet anchor.wasm.sha256
size=$(wc -c <anchor.wasm)
echo "host/anchor/contract/anchor.wasm: $size bytes, $(cut -c1-64 anchor.wasm.sha256)"
[ "$size" -le 2048 ] || { echo "over 2,048 bytes: a chain bills ten times as much RAM" >&2; exit 1; }
