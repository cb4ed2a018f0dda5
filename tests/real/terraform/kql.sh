#!/usr/bin/env bash
# Checks the queries of infra/azure: kql.mjs says how.
#
#   kql.sh TOOLS
#
# TOOLS is a folder for what is installed (pinned by package-lock.json). Starts nothing that outlives it.
set -euo pipefail

mkdir -p "$1"
tools=$(realpath "$1")/terraform-queries
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

node "$here/kql.mjs" "$tools"
