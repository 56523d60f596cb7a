#!/usr/bin/env bash
# Builds and tests the plug-in's feature `analytics`, which needs GStreamer 1.26: with the system's, or
# else with that of Debian 13, which is laid out in a folder of its own.
#
# Usage: tests/analytics.sh        (`make test-analytics`)
#
# Where neither can be had, it says why and tests nothing. The folder, .deps/debian-13, takes 2 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly suite=trixie
readonly root=$PWD/.deps/debian-13
readonly packages=(g++ libgstreamer1.0-dev libgstreamer-plugins-base1.0-dev
    libgstreamer-plugins-bad1.0-dev gstreamer1.0-plugins-base pkgconf)
readonly tests=(test --package gst-plugin-mdecomplete --features analytics --lib --test element analytics)

skip() {
    echo "test-analytics: skipped, $*"
    exit 0
}

if pkg-config --atleast-version=1.26 gstreamer-analytics-1.0 2>/dev/null; then
    exec cargo "${tests[@]}"
fi
[ "$(id -u)" = 0 ] ||
    skip "the system's GStreamer is older than 1.26, and laying out Debian 13 takes root"
command -v debootstrap >/dev/null || apt-get install -y debootstrap ||
    skip "the system's GStreamer is older than 1.26, and laying out Debian 13 takes debootstrap"
command -v cargo >/dev/null || skip "there is no cargo"
unshare --mount true 2>/dev/null || skip "this machine lets nobody mount a folder elsewhere"

if [ ! -e "$root/complete" ]; then
    rm -rf "$root"
    mkdir -p "$root"
    debootstrap --variant=minbase "$suite" "$root" ||
        skip "Debian 13 cannot be fetched, its words are above"
    chroot "$root" apt-get update
    DEBIAN_FRONTEND=noninteractive \
        chroot "$root" apt-get install -y --no-install-recommends "${packages[@]}"
    touch "$root/complete"
fi

# Rust, the project and what it has fetched are at the same places in there. The mounts go with the
# shell that made them.
cargo_home=${CARGO_HOME:-$HOME/.cargo} rustup_home=${RUSTUP_HOME:-$HOME/.rustup}
cargo fetch --locked
export root cargo_home rustup_home
unshare --mount bash -euc '
    deps=$(realpath .deps)
    for folder in "$PWD" "$deps" "$cargo_home" "$rustup_home" /dev /proc; do
        mkdir -p "$root$folder"
        mount --rbind "$folder" "$root$folder"
    done
    exec chroot "$root" env -C "$PWD" CARGO_HOME="$cargo_home" RUSTUP_HOME="$rustup_home" \
        CARGO_TARGET_DIR="$PWD/target/debian-13" PATH="$cargo_home/bin:/usr/bin:/bin" \
        cargo "$@"' bash --offline "${tests[@]}"
