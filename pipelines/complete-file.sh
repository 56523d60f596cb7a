#!/usr/bin/env bash
# Completes the faces of a recording and writes it as H.264 in MP4; sound is kept as it is.
#
# Usage: pipelines/complete-file.sh INPUT OUTPUT.mp4 [PROPERTY=VALUE ...]
#
# The properties are those of mdecomplete; occlusion=eyes where none is given. For instance
#   pipelines/complete-file.sh in.mp4 out.mp4 occlusion=mouth mask-feather=3
set -euo pipefail
# shellcheck source=pipelines/common.sh
. "$(dirname "$0")/common.sh"

want_arguments 2 "$@"
input=$1 output=$2
shift 2
[ "$#" -gt 0 ] || set -- occlusion=eyes
want_file "$input"
find_plugin

sound=()
if has_sound "$input"; then
    sound=(parts. ! 'audio/mpeg;audio/x-opus;audio/x-ac3;audio/x-eac3;audio/x-alac' ! queue ! file.)
fi

gst-launch-1.0 -e \
    filesrc location="$input" \
    ! decodebin name=parts caps='video/x-raw(ANY);audio/mpeg,framed=true;audio/x-opus;audio/x-ac3,framed=true;audio/x-eac3,framed=true;audio/x-alac;audio/x-raw' \
    mp4mux name=file ! filesink location="$output" \
    parts. ! video/x-raw ! queue ! videoconvert ! mdecomplete "$@" ! videoconvert \
    ! x264enc pass=qual quantizer=20 ! h264parse ! queue ! file. \
    "${sound[@]}"
