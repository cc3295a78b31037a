#!/usr/bin/env bash
# Sets up, builds, indexes the sample photos and searches them: scripts/demo.sh
set -euo pipefail
cd "$(dirname "$0")/.."

heading() { printf '\n== %s\n' "$*"; }

heading "What this machine needs"
scripts/setup.sh

heading "Build (minutes the first time)"
cargo build --release --locked --workspace --bins
sightline="${CARGO_TARGET_DIR:-target}/release/sightline"
library=target/demo-library

heading "Index assets/samples"
"$sightline" --library "$library" index assets/samples

# 1 says that nothing matched, which is what the last query is for.
search() {
    heading "Search: $1"
    local code=0
    "$sightline" --library "$library" search --limit 3 "$1" || code=$?
    if [ "$code" -gt 1 ]; then exit "$code"; fi
}

search "golden retriever"
search "a rocket launch"
search "a cup of coffee"
search "a cat"
search "a submarine in an aquarium"

heading "Your own photos"
printf '%s\n' "$sightline index ~/Pictures" "$sightline search \"a dog swimming\""
