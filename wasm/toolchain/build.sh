#!/usr/bin/env bash
# build.sh OUT: compiles wasm/module to OUT.
set -euo pipefail
here=$(dirname "$0")
"$here/tinygo.sh" "$here/target.json" "$1" "$here/../module" -opt "${OPT:-2}" ${EXTRA:-}
