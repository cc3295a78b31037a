#!/usr/bin/env bash
# Sets up, builds, and opens the app: npm start
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup.sh
npm run --silent ui:build
cargo build --release --locked --workspace --bins
exec "${CARGO_TARGET_DIR:-target}/release/sightline-desktop" "$@"
