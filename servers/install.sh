#!/usr/bin/env bash
# Puts the real servers that the tests and the stack use into build/servers:
# Redis from Debian, Kubo, the S3 gateway and a witness of logs built from the
# modules pinned beside this file. What is there and current costs a second.
set -euo pipefail
cd "$(dirname "$0")"
out=$(cd .. && pwd)/build/servers
mkdir -p "$out"
exec 9>"$out/.lock" # several test processes may ask at once
if command -v flock >/dev/null; then flock 9; fi

# Debian ships one Redis binary under several names, so the tools package is
# enough; the redis-server package would add a service, which nobody asked for.
redis() { command -v redis-server || command -v redis-check-rdb; }
redis >/dev/null || ../tools/debian.sh servers redis-tools
binary=$(redis) || { echo "servers: there is no redis-server on the PATH" >&2; exit 1; }
ln -sfn "$binary" "$out/redis-server"

build() { # folder, package, binary
  (cd "$1" && "${GO:-go}" build -trimpath -ldflags "-s -w" -o "$out/$3" "$2")
}
build versitygw github.com/versity/versitygw/cmd/versitygw versitygw
build kubo github.com/ipfs/kubo/cmd/ipfs ipfs
build litewitness filippo.io/torchwood/cmd/litewitness litewitness
build litewitness filippo.io/torchwood/cmd/witnessctl witnessctl

"$out/redis-server" --version
"$out/versitygw" --version
"$out/ipfs" version
