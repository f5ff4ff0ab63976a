#!/usr/bin/env bash
# Time of cold builds, each in a fresh target folder; takes more than an hour on two cores.
#
#     benches/build_times.sh [all | default | tests | headless | headless-gpu]
#
# Prints a line per build: seconds, processor seconds, size of the binary. Dependencies are downloaded beforehand.
set -euo pipefail
cd "$(dirname "$0")/.."
cargo fetch --locked --quiet

measure() {
    local name=$1 target seconds
    shift
    target=$(mktemp -d)
    TIMEFORMAT='%0R s, %0U processor s'
    seconds=$({ time CARGO_TARGET_DIR="$target" CARGO_INCREMENTAL=0 "$@" --locked --quiet 2>&3; } 3>&2 2>&1 >/dev/null)
    printf '%-14s %s' "$name" "$seconds"
    if [ -f "$target/release/whence" ]; then
        printf ', binary of %.1f MB' "$(awk -v n="$(wc -c <"$target/release/whence")" 'BEGIN { print n / 1e6 }')"
    fi
    printf '   (%s)\n' "$*"
    rm -rf "$target"
}

which=${1:-all}
echo "$(nproc) processors, $(rustc --version), load $(cut -d ' ' -f 1 /proc/loadavg)"
case $which in all | default) measure default cargo build --release ;; esac
case $which in all | tests) measure tests cargo test --release --no-run ;; esac
case $which in all | headless) measure headless cargo build --release --no-default-features ;; esac
case $which in all | headless-gpu) measure headless-gpu cargo build --release --no-default-features --features gpu ;; esac
