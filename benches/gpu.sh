#!/bin/sh
# What a GPU does with the bundled model and a made-up ViT-B/16, in one run of at most five minutes.
#
#   benches/gpu.sh prepare          builds target/gpu/gpu_speed.gz: the one file to carry beside the repository, under 60 MB
#   benches/gpu.sh                  measures on the GPU; where there is none, it says so and fails
#   benches/gpu.sh software|cpu     measures there instead, to try the script (SECONDS_EACH=0 BATCHES=1 is soonest done)
#
# Prints the adapter, the lowest cosine to the CPU's vectors, photos a second at batches of 1, 16 and 64, and captions a
# second, as the rows of a table in benches/README.md. Needs a Vulkan driver (libvulkan1), Metal or DirectX 12.
# SECONDS_EACH (default 6) is the time for each figure, BATCHES (default 1,16,64) which batches.
set -eu
cd "$(dirname "$0")/.."
packed=target/gpu/gpu_speed.gz

if [ "${1:-gpu}" = prepare ]; then
    cargo build --release --workspace --examples
    mkdir -p target/gpu
    strip -o target/gpu/gpu_speed "${CARGO_TARGET_DIR:-target}/release/examples/gpu_speed"
    gzip -f target/gpu/gpu_speed
    size=$(wc -c <"$packed")
    echo "$packed: $size bytes"
    if [ "$size" -ge 60000000 ]; then
        echo "that is more than 60 MB" >&2
        exit 1
    fi
    exit 0
fi

[ -f "$packed" ] || { echo "benches/gpu.sh prepare builds $packed first" >&2; exit 1; }
program=$(mktemp)
trap 'rm -f "$program"' EXIT
gunzip -c "$packed" >"$program"
chmod +x "$program"
timeout 300 "$program" "${1:-gpu}" "${SECONDS_EACH:-6}" "${BATCHES:-1,16,64}"
