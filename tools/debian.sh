#!/usr/bin/env bash
# debian.sh WHO PACKAGE...: installs those of Debian's packages that are
# missing. Where that may not or cannot be done it says what WHO needs, and
# fails.
set -euo pipefail
who=$1
shift
missing=()
for p in "$@"; do
  status=$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) || status=
  [[ $status == *' ok installed' ]] || missing+=("$p")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "$who: install these first (by Debian's names): ${missing[*]}; there: sudo apt-get install ${missing[*]}" >&2
  exit 1
fi
echo "$who: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
# The lists may be absent or old. Where they cannot be had, those there are may do: what follows decides.
apt-get update -qq || echo "$who: the package lists were not brought up to date" >&2
apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=600 "${missing[@]}" >/dev/null ||
  { echo "$who: could not install ${missing[*]}: see above" >&2; exit 1; }
