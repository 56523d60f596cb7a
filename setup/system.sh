#!/usr/bin/env bash
# Checks for the compiler, Rust and GStreamer, and installs the Debian packages of what is missing.
# Usage: setup/system.sh [tests]
# With `tests` also for what the tests alone need: GStreamer in the system's Python, strace.
# Looks for abilities rather than packages, so that a GStreamer from elsewhere is taken as well.
set -euo pipefail

die() {
    echo "setup: $*" >&2
    exit 1
}

has_command() { command -v "$1" >/dev/null; }
has_library() { has_command pkg-config && pkg-config --atleast-version=1.20 "$1"; }
has_python() { /usr/bin/python3 -c "import gi; gi.require_version('$1', '1.0')"; }
has_element() { has_command gst-inspect-1.0 && gst-inspect-1.0 --exists --atleast-version=1.20 "$1"; }

for_tests=${1:-}

abilities() {
    cat <<'TABLE'
command cc build-essential
command c++ build-essential
command pkg-config pkg-config
command strace strace
library gstreamer-check-1.0 libgstreamer1.0-dev
library gstreamer-pbutils-1.0 libgstreamer-plugins-base1.0-dev
library gstreamer-video-1.0 libgstreamer-plugins-base1.0-dev
command gst-launch-1.0 gstreamer1.0-tools
element compositor gstreamer1.0-plugins-base
element mp4mux gstreamer1.0-plugins-good
element vp9enc gstreamer1.0-plugins-good
element h264parse gstreamer1.0-plugins-bad
element av1enc gstreamer1.0-plugins-bad
element x264enc gstreamer1.0-plugins-ugly
element avdec_h264 gstreamer1.0-libav
TABLE
    [ "$for_tests" != tests ] || cat <<'TABLE'
command strace strace
python Gst python3-gi
python GstVideo gir1.2-gst-plugins-base-1.0
TABLE
}

# Prints the Debian package of each ability that is missing.
missing_packages() {
    abilities | while read -r probe what package; do
        "has_$probe" "$what" >/dev/null 2>&1 || echo "$package"
    done | sort -u
}

has_command cargo || die "Rust is needed: install rustup, then a stable toolchain (1.92 or newer)"

packages=$(missing_packages | tr '\n' ' ')
[ -n "$packages" ] || exit 0

install="apt-get install -y --no-install-recommends $packages"
has_command apt-get ||
    die "missing, by the names of the Debian packages: $packages- install them and run this again"
if [ "$(id -u)" = 0 ]; then
    as_root=(env)
elif has_command sudo && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    as_root=(sudo env)
else
    die "missing: $packages
       Have an administrator run
         apt-get update && $install
       and run this again"
fi

echo "setup: installing $packages"
as_root+=(DEBIAN_FRONTEND=noninteractive)
# shellcheck disable=SC2086 # a list of words
if ! "${as_root[@]}" apt-get update || ! "${as_root[@]}" $install; then
    die "apt-get failed (its words are above); what is wanted: $install"
fi

packages=$(missing_packages | tr '\n' ' ')
[ -z "$packages" ] ||
    die "still missing after the installation, GStreamer 1.20 or newer is needed: $packages"
