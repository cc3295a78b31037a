#!/usr/bin/env bash
# Sets up and runs every check and test: scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
cargo xtask check "$@"
