#!/usr/bin/env bash
# Sets up and runs every check and test: scripts/check.sh
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh --tests
# The app carries the interface in it.
npm run --silent ui:build
# The whole workspace in one go: selecting a package changes feature unification and builds burn twice.
cargo build --release --locked --workspace --bins
"${CARGO_TARGET_DIR:-target}/release/xtask" check "$@"
