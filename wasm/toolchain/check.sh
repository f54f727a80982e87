#!/usr/bin/env bash
# Fails when the committed module is not what its source compiles to.
set -euo pipefail
cd "$(dirname "$0")/.."
built=$(mktemp -d)
trap 'rm -rf "$built"' EXIT
toolchain/build.sh "$built/eventseal.wasm"
cmp "$built/eventseal.wasm" eventseal.wasm || { echo "wasm/eventseal.wasm is not its source's: run make wasm and commit it" >&2; exit 1; }
sha256sum --check --quiet eventseal.wasm.sha256
size=$(gzip -9 -n -c eventseal.wasm | wc -c)
echo "wasm/eventseal.wasm: $(wc -c <eventseal.wasm) bytes, $size gzipped, $(cut -c1-64 eventseal.wasm.sha256)"
[ "$size" -le 80000 ] || { echo "over 80,000 bytes gzipped" >&2; exit 1; }
