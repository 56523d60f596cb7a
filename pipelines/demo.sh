#!/usr/bin/env bash
# Makes a damaged clip of a portrait, completes it with mdecomplete, and shows both side by side.
#
# Usage: pipelines/demo.sh        (`make demo` builds and fetches what this needs, then calls it)
#
# Leaves damaged.mp4, completed.mp4 and before-after.png in the folder demo/.
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/common.sh

tool=target/release/mdecomplete-demo
[ -x "$tool" ] || die "there is no $tool: run 'make demo'"
find_plugin
mkdir -p demo

# Runs a step, which ends with this script when that is ended.
run() {
    "$@" &
    local step=$!
    trap 'kill "$step"; exit 143' TERM
    wait "$step"
    trap - TERM
}

echo "demo: making the damaged clip"
run "$tool" clip .deps/pictures/astronaut.png demo/damaged.mp4 >demo/frames
frames=$(<demo/frames)
rm demo/frames

completion=(filesrc location=demo/damaged.mp4 ! decodebin ! mdecomplete damage-color=0x00ff00
    ! x264enc pass=qual quantizer=18 ! h264parse ! mp4mux ! filesink location=demo/completed.mp4)
echo "demo: gst-launch-1.0 ${completion[*]}"
log=demo/gst-launch.log
run gst-launch-1.0 -m "${completion[@]}" >"$log" 2>&1 || {
    cat "$log" >&2
    die "the completion failed, see above"
}
run "$tool" sheet demo/damaged.mp4 demo/completed.mp4 demo/before-after.png

# A field of the message in which the element says where it runs.
provider() {
    sed -n "/mdecomplete\/provider/ {
        s/.* $1=(string)\(\"\([^\"]*\)\"\|\([^,;]*\)\).*/\2\3/
        s/\\\\\(.\)/\1/g
        p
        q
    }" "$log"
}
seconds=$(sed -n 's/^Execution ended after \([0-9]*\):\([0-9]*\):\([0-9.]*\)$/\1 \2 \3/p' "$log" |
    awk '{ print $1 * 3600 + $2 * 60 + $3 }')

echo
echo "damaged clip         $PWD/demo/damaged.mp4"
echo "completed clip       $PWD/demo/completed.mp4"
echo "before and after     $PWD/demo/before-after.png"
awk -v n="$frames" -v s="$seconds" 'BEGIN {
    printf "frames a second      %.1f (%d frames in %.2f s, with decoding and encoding)\n", n / s, n, s
}'
echo "execution provider   $(provider execution-provider), $(provider precision): $(provider reason)"
