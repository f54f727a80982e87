#!/usr/bin/env bash
# build.sh OUT: compiles wasm/module to OUT with the pinned toolchain. The
# same source gives the same bytes in any folder.
set -euo pipefail
out=$(realpath -m "$1")
cd "$(dirname "$0")"
tools=$(realpath ../../build/toolchain)
[ -x "$tools/tinygo" ] || ./install.sh >&2

# The root is the module's own, which lacks its git submodules: of those only
# src/net is looked for, and an empty folder will do. Its runtime exports four
# functions of floating point for compilers that want them; ours does not, so
# that they only keep their names.
source=$(go list -m -f '{{.Dir}}' github.com/tinygo-org/tinygo)
root=$tools/root
if [ ! -e "$root/.complete.2" ]; then
  rm -rf "$root"
  mkdir -p "$root"
  cp -r "$source"/{lib,src,targets} "$root"
  chmod -R u+w "$root"
  mkdir -p "$root/src/net"
  sed -i -E 's,^//export (f(min|max)imumf?)$,//go:linkname \1 \1,' "$root/src/runtime/float.go"
  echo "module root // keeps ./... out of here" >"$root/go.mod"
  touch "$root/.complete.2"
fi

export TINYGOROOT=$root WASMOPT=$PWD/wasm-opt PATH=/usr/lib/llvm-19/bin:$PATH
export GOFLAGS=-trimpath GOTOOLCHAIN=local CGO_ENABLED=0
cd ../..
"$tools/tinygo" build -target wasm/toolchain/target.json -opt "${OPT:-2}" -no-debug -panic trap ${EXTRA:-} -o "$out" ./wasm/module
