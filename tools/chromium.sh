#!/usr/bin/env bash
# Makes sure that /usr/bin/chromium is there, installing Debian's where it is
# missing and this may be done.
set -euo pipefail
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "the browser tests need Chromium: install it, and name it in CHROMIUM unless it is /usr/bin/chromium" >&2
  exit 1
fi
echo "installing Chromium" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium >/dev/null
