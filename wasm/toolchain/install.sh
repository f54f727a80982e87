#!/usr/bin/env bash
# Builds the pinned TinyGo against Debian's LLVM 19 into build/toolchain.
# The version is the one in go.mod beside this file.
set -euo pipefail
cd "$(dirname "$0")"
../../tools/debian.sh toolchain llvm-19-dev libclang-19-dev clang-19 lld-19 libclang-rt-19-dev-wasm32
out=../../build/toolchain
mkdir -p "$out"
go build -trimpath -tags llvm19 -o "$out/tinygo" github.com/tinygo-org/tinygo
"$out/tinygo" version 2>/dev/null || TINYGOROOT=$(go list -m -f '{{.Dir}}' github.com/tinygo-org/tinygo) "$out/tinygo" version
