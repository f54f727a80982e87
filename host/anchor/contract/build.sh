#!/usr/bin/env bash
# build.sh OUT: compiles the contract to OUT.
set -euo pipefail
here=$(dirname "$0")
"$here/../../../wasm/toolchain/tinygo.sh" "$here/source/target.json" "$1" "$here/source" -opt z
