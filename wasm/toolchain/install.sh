#!/usr/bin/env bash
# Builds the pinned TinyGo against Debian's LLVM 19 into build/toolchain.
# The version is the one in go.mod beside this file.
set -euo pipefail
cd "$(dirname "$0")"
packages=(llvm-19-dev libclang-19-dev clang-19 lld-19 libclang-rt-19-dev-wasm32)
missing=()
for p in "${packages[@]}"; do dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p"); done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "toolchain: install Debian's LLVM 19 first: sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
  apt-get update -q && apt-get install -qy --no-install-recommends "${missing[@]}"
fi
out=../../build/toolchain
mkdir -p "$out"
go build -trimpath -tags llvm19 -o "$out/tinygo" github.com/tinygo-org/tinygo
"$out/tinygo" version 2>/dev/null || TINYGOROOT=$(go list -m -f '{{.Dir}}' github.com/tinygo-org/tinygo) "$out/tinygo" version
