#!/usr/bin/env bash
# Sets up and runs every check and test: npm test
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
# Builds everything, and the package that one of the tests installs.
scripts/bundle.sh
"${CARGO_TARGET_DIR:-target}/release/xtask" check "$@"
