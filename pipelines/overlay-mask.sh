#!/usr/bin/env bash
# Makes the picture that shows what `overlay=mask` shows: a damaged portrait, what is found to be
# missing and by whom, and the portrait completed.
#
# Usage: pipelines/overlay-mask.sh PICTURE.jpg
set -euo pipefail
cd "$(dirname "$0")/.."
. pipelines/common.sh
want_arguments 1 "$@"
find_plugin

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Draws over the portrait; the line is as opaque as `$1`, and the picture goes to `$2`.
damaged() {
    gst-launch-1.0 -q compositor name=all background=black \
        sink_1::xpos=196 sink_1::ypos=132 sink_2::ypos=60 sink_3::ypos=200 sink_3::xpos=20 \
        sink_3::alpha="$1" ! videoconvert ! pngenc ! filesink location="$2" \
        filesrc location=.deps/pictures/astronaut.png ! pngdec ! videoconvert ! all.sink_0 \
        videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xff2a4a6a \
        ! video/x-raw,width=64,height=34 ! all.sink_1 \
        videotestsrc num-buffers=1 pattern=solid-color foreground-color=0xffff00ff \
        ! video/x-raw,width=512,height=10 ! all.sink_2 \
        videotestsrc num-buffers=1 pattern=white ! video/x-raw,width=470,height=3 ! all.sink_3
}

# Drop-outs are what was not there before.
damaged 0 "$work/in-0.png"
for n in 1 2 3 4 5 6 7; do
    cp "$work/in-0.png" "$work/in-$n.png"
done
damaged 1 "$work/in-8.png"

# The last of the frames as the element leaves it with the properties `$2...`, in `$1`.
last() {
    local to=$1
    shift
    gst-launch-1.0 -q multifilesrc location="$work/in-%d.png" caps=image/png,framerate=25/1 \
        ! pngdec ! videoconvert ! mdecomplete occlusion=auto damage=lines damage-color=0xff00ff \
        "$@" ! videoconvert ! pngenc ! multifilesink location="$work/out-%d.png"
    mv "$work/out-8.png" "$to"
}
last "$work/found.png" dry-run=true overlay=mask
last "$work/completed.png"

part=(pngdec ! videocrop left=90 right=142 bottom=252 top=0)
gst-launch-1.0 -q compositor name=all background=white sink_1::xpos=284 sink_2::xpos=568 \
    ! videoconvert ! jpegenc quality=88 ! filesink location="$1" \
    filesrc location="$work/in-8.png" ! "${part[@]}" ! videoconvert ! all.sink_0 \
    filesrc location="$work/found.png" ! "${part[@]}" ! videoconvert ! all.sink_1 \
    filesrc location="$work/completed.png" ! "${part[@]}" ! videoconvert ! all.sink_2
