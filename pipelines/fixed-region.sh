#!/usr/bin/env bash
# Completes one rectangle of a recording in which a face stays where it is, without a detector.
#
# Usage: pipelines/fixed-region.sh INPUT OUTPUT.mp4 X Y SIDE [PROPERTY=VALUE ...]
#
# X and Y are the upper left corner and SIDE the width and height of the square, in pixels, even
# numbers. The square is taken for an aligned face: eyes at 36 % and 64 % of its width and 40 % of
# its height. The properties are those of mdecomplete; occlusion=eyes where none is given.
# H.264 in MP4, without sound.
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 5 "$@"
input=$1 output=$2 x=$3 y=$4 side=$5
shift 5
[ "$#" -gt 0 ] || set -- occlusion=eyes
want_file "$input"
for number in "$x" "$y" "$side"; do
    [[ $number =~ ^[0-9]*[02468]$ ]] || die "'$number' is not an even number of pixels"
done
find_plugin

# videocrop wants margins, which depend on the recording's size; a compositor cuts a window out of
# any.
gst-launch-1.0 -e \
    filesrc location="$input" ! decodebin ! videoconvert ! tee name=frames \
    frames. ! queue ! whole.sink_0 \
    frames. ! queue ! window.sink_0 \
    compositor name=window sink_0::xpos="-$x" sink_0::ypos="-$y" \
    ! video/x-raw,width="$side",height="$side" \
    ! mdecomplete region=full-frame "$@" ! queue ! whole.sink_1 \
    compositor name=whole sink_1::xpos="$x" sink_1::ypos="$y" \
    ! videoconvert ! x264enc pass=qual quantizer=20 ! h264parse ! mp4mux \
    ! filesink location="$output"
