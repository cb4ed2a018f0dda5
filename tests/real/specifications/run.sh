#!/usr/bin/env bash
# Checks the simulator and the onboarder against Microsoft's specifications.
#
#   run.sh RECORD_EXCHANGES TOOLS
#
# RECORD_EXCHANGES is the built example `record-exchanges`; TOOLS is a folder for what is installed (pinned by package-lock.json).
# Starts nothing that outlives it.
set -euo pipefail

recorder=$(realpath "$1")
mkdir -p "$2"
tools=$(realpath "$2")/specifications
here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
for tool in node npm; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: install Node.js 20 or newer" >&2; exit 2; }
done

if ! cmp -s "$here/package-lock.json" "$tools/installed-lock.json"; then
  mkdir -p "$tools"
  cp "$here/package.json" "$here/package-lock.json" "$tools"
  npm ci --prefix "$tools" --no-audit --no-fund --loglevel error >&2
  cp "$here/package-lock.json" "$tools/installed-lock.json"
fi

exchanges=$(mktemp -d)
trap 'rm -rf "$exchanges"' EXIT
"$recorder" "$exchanges" >&2
node "$here/check.mjs" "$exchanges" "$tools"
