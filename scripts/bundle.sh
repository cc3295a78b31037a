#!/usr/bin/env bash
# Builds installers for this system into target/release/bundle: npm run bundle
#
#   scripts/bundle.sh            what this system can make (Debian: .deb)
#   scripts/bundle.sh deb,appimage
set -euo pipefail
cd "$(dirname "$0")/.."

case "$(uname -s)" in
    Darwin) default=dmg ;;
    MINGW* | MSYS*) default=msi ;;
    *) default=deb ;;
esac

scripts/setup.sh
npm run --silent ui:build
# Not `tauri build`: it would select one package and so build burn a second time.
cargo build --release --locked --workspace --bins
# The model and the samples are named here only: in the tree the app finds them where they are.
npx tauri bundle --config src-tauri/bundle.conf.json --bundles "${1:-$default}"
