#!/usr/bin/env bash
# tinygo.sh TARGET OUT PACKAGE [FLAG…]: compiles a package of this repository
# for a target file with the pinned toolchain; paths are the caller's. The same
# source gives the same bytes in any folder.
set -euo pipefail
target=$(realpath "$1") out=$(realpath -m "$2") package=$(realpath "$3")
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
cd "$package"
"$tools/tinygo" build -target "$target" -no-debug -panic trap "${@:4}" -o "$out" .
